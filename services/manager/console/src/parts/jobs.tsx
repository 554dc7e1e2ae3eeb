import { type TextKey, t } from '../i18n/index.ts'
import { addressOf } from '../pure/paths.ts'
import { get } from '../state/api.ts'
import type { JobKind, JobState, ShownSpec } from '../state/jobs.ts'
import { type Load, useLoad } from '../state/load.ts'
import { may } from '../state/session.ts'
import type { Cluster } from '../state/shapes.ts'
import { Mark, type Tone } from './ui.tsx'

const tones: Readonly<Record<JobState, Tone>> = {
  ...{ waiting: 'plain', running: 'live', done: 'good', failed: 'bad', cancelled: 'warn' },
}

export const JobMark = ({ state }: { readonly state: JobState }) => (
  <Mark tone={tones[state]}>{t(`jobState.${state}`)}</Mark>
)

export const JobLink = ({ id, kind }: { readonly id: string; readonly kind: JobKind }) => (
  <a href={addressOf('job', { job: id })}>{t(`jobKind.${kind}`)}</a>
)

/** Of what a job is, in short. */
export const About = ({ spec }: { readonly spec: ShownSpec }) => {
  const things = [...(spec.targets ?? []), ...(spec.urls ?? [])]
  const [first] = things
  const all = (spec.targetsCount ?? spec.targets?.length ?? 0) + (spec.urlsCount ?? spec.urls?.length ?? 0)
  if (first === undefined) return <span class="muted">{t('jobs.wholeCluster')}</span>
  return (
    <>
      <code class="about">{first}</code>
      {all > 1 && <span class="muted small"> {t('jobs.more', { n: all - 1 })}</span>}
    </>
  )
}

const advice: Readonly<Record<string, TextKey>> = {
  ...{ HOST_AWAY: 'jobAdvice.away', FLEET_EMPTY: 'jobAdvice.away', FLEET_GATHERING: 'jobAdvice.cluster' },
  ...{ MEMBER_AWAY: 'jobAdvice.cluster', NO_HEALTHY_MEMBER: 'jobAdvice.cluster', UNAVAILABLE: 'jobAdvice.cluster' },
  ...{ CREDENTIALS_LOST: 'jobAdvice.credentials', ADDRESS_REFUSED: 'jobAdvice.refused' },
  ...{ UNAUTHORIZED: 'jobAdvice.denied', DENIED: 'jobAdvice.denied', BACKEND_DENIED: 'jobAdvice.denied' },
  ...{ STORE_FULL: 'jobAdvice.full', JOB_LOST: 'jobAdvice.lost', ORDER_LOST: 'jobAdvice.lost' },
  ...{ JOB_TIMEOUT: 'jobAdvice.time', STALLED: 'jobAdvice.time', JOB_FAILED: 'jobAdvice.some' },
  ...{
    JOB_RUNNING: 'jobAdvice.running',
    SCHEDULE_RIGHTS_LOST: 'jobAdvice.maker',
    REGISTRY_REFUSED: 'jobAdvice.source',
  },
  ...{ BACKEND_UNAVAILABLE: 'jobAdvice.source', UPSTREAM_UNREACHABLE: 'jobAdvice.source' },
  ...{ SOURCES_EXHAUSTED: 'jobAdvice.source', BLOB_UNKNOWN: 'jobAdvice.unknown', NAME_UNKNOWN: 'jobAdvice.unknown' },
  ...{ MANIFEST_UNKNOWN: 'jobAdvice.unknown', URL_UNKNOWN: 'jobAdvice.unknown', NO_BACKEND_RULE: 'jobAdvice.unknown' },
}

/** What to do about a failure of a job. */
export const jobAdvice = (code: string): string => t(advice[code] ?? 'jobAdvice.server')

export interface ClustersAnswer {
  readonly clusters: readonly Pick<Cluster, 'id' | 'name'>[]
}

/** The clusters by name; none for who may not read them. */
export const useClusters = (): Load<ClustersAnswer> =>
  useLoad('cluster names', async (signal) =>
    may('clusters', 'read') ? get<ClustersAnswer>('/api/v1/clusters', { n: 1000 }, signal) : { clusters: [] },
  )

/** The name of a cluster, by its id. */
export const clusterName = ({ now }: Load<ClustersAnswer>, id: string): string =>
  (now.is === 'ready' ? now.value.clusters.find((each) => each.id === id)?.name : undefined) ?? id
