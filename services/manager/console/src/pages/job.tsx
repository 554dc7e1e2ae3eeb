import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { t } from '../i18n/index.ts'
import { Failed, useDoing } from '../parts/form.tsx'
import { JobFacts, JobParts } from '../parts/job-facts.tsx'
import { JobRows } from '../parts/job-rows.tsx'
import { clusterName, JobMark, jobAdvice, useClusters } from '../parts/jobs.tsx'
import { Id, LinkMark } from '../parts/names.tsx'
import { Table } from '../parts/table.tsx'
import { Bar, Card, Figures, Head, Seen, tell } from '../parts/ui.tsx'
import { failuresOf, isOpen, type JobProgress, shareDone, speedOf } from '../pure/job-state.ts'
import { addressOf, type Place } from '../pure/paths.ts'
import { get, part, send } from '../state/api.ts'
import { format } from '../state/here.ts'
import { type Job, type JobState, jobStates, type WholeJob } from '../state/jobs.ts'
import { useLiveJob } from '../state/live-job.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { may } from '../state/session.ts'

/** While it runs, its parts are looked at again, since the stream tells of rows and of the whole alone. */
const LOOK_MS = 2000

const Acts = ({ job, again }: { readonly job: Job; readonly again: () => void }) => {
  const doing = useDoing()
  const cancel = () =>
    doing.run(async () => {
      await send('POST', `/api/v1/jobs/${part(job.id)}/cancel`)
      tell(t('job.cancelled'))
      again()
    })
  if (!may('jobs', 'write')) return null
  return (
    <>
      {isOpen(job.state) && (
        <button type="button" class="danger" disabled={doing.busy || job.cancelAtMs !== undefined} onClick={cancel}>
          {t(job.cancelAtMs === undefined ? 'job.cancel' : 'job.cancelling')}
        </button>
      )}
      <a class="button" href={addressOf('newJob', {}, { from: job.id })}>
        {t('job.rerun')}
      </a>
      <Failed of={doing} />
    </>
  )
}

const Sums = ({ job, progress }: { readonly job: Job; readonly progress: JobProgress }) => {
  const { number, percent, rate, size, span, moment } = format()
  const share = shareDone(job)
  const speed = speedOf(progress)
  const { rows, bytes, doneBytes, startedAtMs, createdAtMs, endedAtMs, untilMs } = job
  const all = Object.values(rows).reduce((a, b) => a + b, 0)
  return (
    <Card title={t('job.progress')}>
      <div class="form">
        <Bar {...share} label={t('job.progress')} />
        <Figures
          facts={[
            { name: t('job.progress'), value: percent(share.done, share.of) },
            { name: t('job.bytes'), value: size(doneBytes), more: t('job.bytesOf', { size: size(bytes) }) },
            { name: t('job.speed'), value: speed === undefined ? '–' : rate(speed) },
            {
              name: t('job.hosts'),
              value: number(all),
              more: t('job.hostsDone', { done: rows.done, failed: rows.failed }),
            },
            {
              name: t(endedAtMs === undefined ? 'job.runs' : 'job.took'),
              value: span(Math.max(0, (endedAtMs ?? Date.now()) - (startedAtMs ?? createdAtMs))),
              more: endedAtMs === undefined ? t('job.limit', { moment: moment(untilMs) }) : undefined,
            },
          ]}
        />
      </div>
    </Card>
  )
}

/** Why a job failed as a whole, and each code of its rows with what to do. */
const Failures = ({ job, progress }: { readonly job: Job; readonly progress: JobProgress }) => {
  const { number } = format()
  const codes = failuresOf(progress.rows)
  return (
    <>
      {job.state === 'failed' && (
        <div class="trouble" role="alert">
          <h2>{job.message ?? t('state.failed')}</h2>
          <p>{jobAdvice(job.code ?? 'UNKNOWN')}</p>
          <p class="small muted">
            <code>{job.code}</code>
          </p>
        </div>
      )}
      {codes.length > 0 && (
        <Card title={t('job.failures')} tight>
          <Table
            label={t('job.failures')}
            rows={codes}
            keyOf={([code]) => code}
            columns={[
              { name: t('col.why'), of: ([code]) => <code>{code}</code> },
              { name: t('job.count'), end: true, of: ([, count]) => number(count) },
              { name: t('job.todo'), of: ([code]) => jobAdvice(code) },
            ]}
          />
        </Card>
      )}
    </>
  )
}

interface FollowedProps {
  readonly looked: WholeJob
  readonly again: () => void
  readonly show: JobState | undefined
  readonly onEnd: () => void
}

/** The stream tells what is new; while it is broken, what was looked at last is newer. */
function Followed({ looked, again, show, onEnd }: FollowedProps) {
  const address = `/api/v1/jobs/${part(looked.id)}`
  const { progress, link } = useLiveJob(`${address}/events`, looked.spec.scope === 'all_origins')
  const clusters = useClusters()
  const nameOf = (id: string) => clusterName(clusters, id)
  const now = progress.value
  const told = link.value === 'away' ? undefined : now.job
  const { spec, cancelAtMs } = looked
  const job: Job = { ...(told ?? looked), spec, ...(cancelAtMs !== undefined && { cancelAtMs }) }
  const over = !isOpen(job.state)
  useEffect(() => {
    if (over) onEnd()
  }, [over])
  return (
    <>
      <div class="row">
        <span class="row" role="status">
          <JobMark state={job.state} />
          <LinkMark link={link.value} />
        </span>
        <span class="spacer" />
        <Acts job={job} again={again} />
      </div>
      <Sums job={job} progress={now} />
      <Failures job={job} progress={now} />
      <JobRows progress={now} show={show} over={over} nameOf={nameOf} />
      <JobParts parts={looked.parts} nameOf={nameOf} />
      <JobFacts job={job} nameOf={nameOf} />
    </>
  )
}

export function JobPage({ params: { job: id = '' }, query }: Place) {
  const address = `/api/v1/jobs/${part(id)}`
  const over = useSignal(false)
  const load = useLoad(address, (signal) => get<WholeJob>(address, {}, signal), over.value ? {} : { everyMs: LOOK_MS })
  const job = load.now.is === 'ready' ? load.now.value : undefined
  return (
    <>
      <Head
        above={<a href={addressOf('jobs')}>{t('nav.jobs')}</a>}
        title={
          <>
            {t(job === undefined ? 'nav.jobs' : `jobKind.${job.kind}`)} <Id text={id} />
          </>
        }
        what={job && t(`jobKindWhat.${job.kind}`)}
      />
      <Seen load={load} rows={8}>
        {(looked) => (
          <Followed
            looked={looked}
            again={load.again}
            show={jobStates.find((each) => each === query['state'])}
            onEnd={() => put(over, true)}
          />
        )}
      </Seen>
    </>
  )
}
