import type { ComponentChildren } from 'preact'
import { type TextKey, t } from '../i18n/index.ts'
import { addressOf } from '../pure/paths.ts'
import { format } from '../state/here.ts'
import type { Job, JobPart, ShownSpec } from '../state/jobs.ts'
import { JobMark, jobAdvice } from './jobs.tsx'
import { Table } from './table.tsx'
import { Card, Facts } from './ui.tsx'

const steps = ['resolve', 'content', 'url', 'origins', 'fleet', 'gc', 'retention', 'backfill'] as const

const stepText = (step: string): string => {
  const known = steps.find((each) => each === step)
  return known === undefined ? step : t(`jobStep.${known}`)
}

interface PartsProps {
  readonly parts: readonly JobPart[]
  readonly nameOf: (cluster: string) => string
}

export const JobParts = ({ parts, nameOf }: PartsProps) => (
  <Card title={t('job.parts')} tight>
    <Table
      label={t('job.parts')}
      rows={parts}
      keyOf={({ n }) => String(n)}
      columns={[
        { name: t('job.part'), of: ({ n }) => n + 1 },
        { name: t('col.cluster'), of: ({ cluster }) => (cluster === '' ? '–' : nameOf(cluster)) },
        { name: t('job.step'), of: ({ step }) => stepText(step) },
        { name: t('job.target'), of: ({ target }) => target !== undefined && <code class="about">{target}</code> },
        { name: t('col.state'), of: (part) => <JobMark {...part} /> },
        {
          name: t('col.why'),
          of: ({ code, message }) =>
            code !== undefined && (
              <>
                <code>{code}</code> {message}
                <br />
                <span class="muted small">{jobAdvice(code)}</span>
              </>
            ),
        },
      ]}
    />
  </Card>
)

const Lines = ({ of }: { readonly of: readonly string[] }) => (
  <ul>
    {of.map((each) => (
      <li key={each}>
        <code class="about">{each}</code>
      </li>
    ))}
  </ul>
)

function whom({ kind, scope = 'single_origin', zone, hosts, count, percent }: ShownSpec): string {
  const words = [
    kind === 'preheat' ? t(`jobScope.${scope}`) : undefined,
    zone !== undefined ? t('job.ofZone', { zone }) : undefined,
    hosts !== undefined ? t('job.namedHosts', { n: hosts.length }) : undefined,
    count !== undefined ? t('job.onlyCount', { n: count }) : undefined,
    percent !== undefined ? t('job.onlyPercent', { n: percent }) : undefined,
  ]
  return words.filter((word) => word !== undefined).join(', ')
}

/** What somebody has asked for. */
export function JobFacts({ job, nameOf }: { readonly job: Job; readonly nameOf: (cluster: string) => string }) {
  const { number, span, moment } = format()
  const { spec, by, schedule, createdAtMs, untilMs } = job
  const { targets, urls, clusters, platforms, atOnce, note, dryRun } = spec
  const facts: readonly (readonly [name: TextKey, value: ComponentChildren])[] = [
    ['job.targets', targets && <Lines of={targets} />],
    ['job.urls', urls && <Lines of={urls} />],
    ['col.clusters', clusters === undefined ? t('job.all') : clusters.map(nameOf).join(', ')],
    ['job.for', whom(spec)],
    ['job.platforms', platforms?.join(', ')],
    ['job.atOnce', atOnce === undefined ? undefined : number(atOnce)],
    ['jobForm.how', dryRun === true && t('job.dryRun')],
    ['job.note', note],
    ['col.by', by],
    ['job.schedule', schedule !== undefined && <a href={addressOf('schedules')}>{schedule}</a>],
    ['jobs.made', moment(createdAtMs)],
    ['job.timeLimit', span(untilMs - createdAtMs)],
  ]
  return (
    <Card title={t('job.facts')}>
      <Facts
        facts={facts.flatMap(([name, value]) =>
          value === undefined || value === false || value === '' ? [] : [{ name: t(name), value }],
        )}
      />
    </Card>
  )
}
