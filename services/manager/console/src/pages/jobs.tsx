import { t } from '../i18n/index.ts'
import { Choose } from '../parts/form.tsx'
import { About, clusterName, JobLink, JobMark, useClusters } from '../parts/jobs.tsx'
import { Sought } from '../parts/names.tsx'
import { Pager, Table } from '../parts/table.tsx'
import { Bar, Card, Empty, Head, Seen } from '../parts/ui.tsx'
import { shareDone } from '../pure/job-state.ts'
import { addressOf, type Place } from '../pure/paths.ts'
import { get } from '../state/api.ts'
import { ask, format } from '../state/here.ts'
import { type Job, type JobsPage as JobsAnswer, jobKinds, jobStates } from '../state/jobs.ts'
import { useLoad } from '../state/load.ts'
import { may } from '../state/session.ts'

const JobTable = ({ jobs, nameOf }: JobsAnswer & { readonly nameOf: (id: string) => string }) => {
  const { number, since } = format()
  const all = ({ rows }: Job) => Object.values(rows).reduce((a, b) => a + b, 0)
  return (
    <Table
      label={t('nav.jobs')}
      rows={jobs}
      keyOf={({ id }) => id}
      columns={[
        { name: t('col.kind'), of: (job) => <JobLink {...job} /> },
        { name: t('jobs.about'), of: ({ spec }) => <About spec={spec} /> },
        { name: t('col.state'), of: (job) => <JobMark {...job} /> },
        {
          name: t('col.progress'),
          of: (job) => <Bar {...shareDone(job)} label={t('job.progress')} />,
        },
        {
          name: t('jobs.results'),
          end: true,
          of: (job) => `${number(job.rows.done)} / ${number(job.rows.failed)} / ${number(all(job))}`,
        },
        { name: t('col.clusters'), of: ({ spec }) => spec.clusters?.map(nameOf).join(', ') ?? t('job.all') },
        { name: t('col.by'), of: ({ by }) => by },
        { name: t('jobs.made'), of: ({ createdAtMs }) => since(createdAtMs, Date.now()) },
        { name: t('col.why'), of: ({ code }) => code !== undefined && <code>{code}</code> },
      ]}
    />
  )
}

const Filters = ({ query }: Pick<Place, 'query'>) => {
  const { state = '', kind = '', cluster = '', by = '' } = query
  const clusters = useClusters()
  const names = clusters.now.is === 'ready' ? clusters.now.value.clusters.map(({ name }) => name) : []
  const filtered = state + kind + cluster + by !== ''
  const from = (change: Readonly<Record<string, string | undefined>>) => ask({ ...change, last: undefined })
  return (
    <div class="filters">
      <Choose
        label={t('col.state')}
        any={t('jobs.anyState')}
        value={jobStates.find((each) => each === state) ?? ''}
        options={jobStates.map((each) => [each, t(`jobState.${each}`)] as const)}
        onChoose={(value) => from({ state: value })}
      />
      <Choose
        label={t('col.kind')}
        any={t('jobs.anyKind')}
        value={jobKinds.find((each) => each === kind) ?? ''}
        options={jobKinds.map((each) => [each, t(`jobKind.${each}`)] as const)}
        onChoose={(value) => from({ kind: value })}
      />
      <Choose
        label={t('col.cluster')}
        any={t('jobs.anyCluster')}
        value={cluster}
        options={[...new Set([...names, ...(cluster === '' ? [] : [cluster])])].map((each) => [each, each] as const)}
        onChoose={(value) => from({ cluster: value })}
      />
      <Sought label={t('jobs.byWho')} value={by} onSeek={(to) => from({ by: to })} />
      {filtered && (
        <button type="button" class="plain" onClick={() => from({ state: '', kind: '', cluster: '', by: '' })}>
          {t('list.clear')}
        </button>
      )}
    </div>
  )
}

export function JobsPage({ query }: Place) {
  const { state = '', kind = '', cluster = '', by = '', last } = query
  const asked = { state, kind, cluster, by, last, n: 50 }
  const load = useLoad(`jobs?${JSON.stringify(asked)}`, (signal) => get<JobsAnswer>('/api/v1/jobs', asked, signal), {
    everyMs: 3000,
  })
  const clusters = useClusters()
  const filtered = state + kind + cluster + by !== ''
  return (
    <>
      <Head title={t('nav.jobs')} what={t('jobs.what')}>
        {may('jobs', 'write') && (
          <a class="button main-act" href={addressOf('newJob')}>
            {t('jobs.new')}
          </a>
        )}
      </Head>
      <Filters query={query} />
      <Card tight>
        <Seen load={load}>
          {({ jobs, next }) => (
            <>
              {jobs.length === 0 ? (
                <Empty title={t('jobs.emptyTitle')}>{t(filtered ? 'list.emptyFilter' : 'jobs.empty')}</Empty>
              ) : (
                <JobTable jobs={jobs} nameOf={(id) => clusterName(clusters, id)} />
              )}
              <Pager last={last} next={next} go={(to) => ask({ last: to })} />
            </>
          )}
        </Seen>
      </Card>
    </>
  )
}
