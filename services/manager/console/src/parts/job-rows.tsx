import { t } from '../i18n/index.ts'
import { type JobProgress, rowsIn } from '../pure/job-state.ts'
import { ask, format } from '../state/here.ts'
import { type JobRow, type JobState, jobStates } from '../state/jobs.ts'
import { JobMark } from './jobs.tsx'
import { Id } from './names.tsx'
import { type Column, Table } from './table.tsx'
import { Bar, Card, Empty } from './ui.tsx'

/** Rows of the page: more are slow, and nobody reads them. */
const SHOWN = 200

interface JobRowsProps {
  readonly progress: JobProgress
  readonly show: JobState | undefined
  readonly over: boolean
  readonly nameOf: (cluster: string) => string
}

const holdings = ['nothing', 'part', 'whole'] as const

const progressOf = ({ bytes, doneBytes, blobs, doneBlobs }: JobRow) =>
  bytes > 0 ? { done: doneBytes, of: bytes } : { done: doneBlobs, of: blobs }

function columnsOf(rows: readonly JobRow[], nameOf: (cluster: string) => string): readonly Column<JobRow>[] {
  const { number, size } = format()
  const some = (has: (row: JobRow) => boolean, column: Column<JobRow>) => (rows.some(has) ? [column] : [])
  return [
    {
      name: t('job.host'),
      of: ({ host, name, address }) => <span title={host}>{name ?? address ?? <Id text={host} />}</span>,
    },
    ...some(({ blob }) => blob !== undefined, {
      name: t('col.blob'),
      of: ({ blob }) => blob !== undefined && <Id text={blob} />,
    }),
    { name: t('col.cluster'), of: ({ cluster }) => nameOf(cluster) },
    ...some(({ zone }) => zone !== undefined, { name: t('col.zone'), of: ({ zone }) => zone ?? '–' }),
    { name: t('col.state'), of: (row) => <JobMark {...row} /> },
    ...some(({ holds }) => holds !== undefined, {
      name: t('job.holds'),
      of: ({ holds }) => {
        const known = holdings.find((each) => each === holds)
        return known === undefined ? '–' : t(`holds.${known}`)
      },
    }),
    { name: t('col.progress'), of: (row) => <Bar {...progressOf(row)} label={t('job.progress')} /> },
    { name: t('job.bytes'), end: true, of: ({ bytes, doneBytes }) => `${size(doneBytes)} / ${size(bytes)}` },
    { name: t('col.blobs'), end: true, of: ({ blobs, doneBlobs }) => `${number(doneBlobs)} / ${number(blobs)}` },
    { name: t('job.attempts'), end: true, of: ({ attempts }) => number(attempts) },
    { name: t('col.why'), of: ({ code }) => code !== undefined && <code>{code}</code> },
  ]
}

/** What becomes of each host and blob, as it happens; what failed comes first. */
export function JobRows({ progress: { rows, cut }, show, over, nameOf }: JobRowsProps) {
  const all = rowsIn(rows, show)
  const choose = (state: JobState | undefined) => (
    <button key={state ?? ''} type="button" aria-pressed={show === state} onClick={() => ask({ state: state ?? '' })}>
      {t(state === undefined ? 'job.all' : `jobState.${state}`)} {format().number(rowsIn(rows, state).length)}
    </button>
  )
  return (
    <Card
      title={t('job.rows')}
      tight
      more={<div class="seg">{[undefined, ...jobStates].map((state) => choose(state))}</div>}
    >
      {all.length > 0 ? (
        <Table
          label={t('job.rows')}
          rows={all.slice(0, SHOWN)}
          keyOf={({ part, host, blob }) => `${part}/${host}/${blob ?? ''}`}
          columns={columnsOf(all, nameOf)}
        />
      ) : rows.size > 0 ? (
        <Empty title={t('list.emptyFilter')} />
      ) : (
        <Empty title={t(over ? 'job.noRowsOver' : 'job.noRowsTitle')}>{!over && t('job.noRows')}</Empty>
      )}
      {all.length > SHOWN && <p class="foot muted">{t('job.rowsShown', { shown: SHOWN, all: all.length })}</p>}
      {cut && <p class="foot muted">{t('job.rowsCut')}</p>}
    </Card>
  )
}
