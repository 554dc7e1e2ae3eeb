import { type JobCredentials, type JobSpec, MAX_JOB_CLUSTERS } from '../../../lib/api/index.ts'
import { appError, type Clock } from '../../../lib/base/index.ts'
import type { ClusterTalk } from '../clusters/talk.ts'
import { namedCluster } from '../named-cluster.ts'
import type { JobMeters } from './job-meters.ts'
import type { JobStore } from './job-store.ts'
import type { Job } from './model.ts'
import { planParts } from './plan-parts.ts'
import type { RegistryAsker } from './registry-asker.ts'
import type { Resolver } from './resolver.ts'

/** Time limits where none is given, in seconds. */
const QUERY_SECONDS = 300
const WORK_SECONDS = 3_600
const LOOK_SECONDS = 86_400

export interface GivenJob {
  readonly spec: JobSpec
  readonly actor: string
  readonly key?: string | undefined
  readonly credentials?: JobCredentials | undefined
  readonly shown?: unknown
  readonly schedule?: string | undefined
}

/** Gives a job; durable when it returns. @throws BODY_INVALID, CLUSTER_UNKNOWN, ADDRESS_REFUSED, JOB_KEY_TAKEN, JOBS_FULL, and what names are refused with */
export type GiveJob = (given: GivenJob) => Promise<Job>

export interface GiveJobComponents {
  readonly talk: Pick<ClusterTalk, 'clusters'>
  readonly store: Pick<JobStore, 'add'>
  readonly resolver: Pick<Resolver, 'take'>
  readonly registries: Pick<RegistryAsker, 'check'>
  readonly clock: Pick<Clock, 'now'>
  readonly meters: Pick<JobMeters, 'given'>
  readonly onGiven: () => void
}

const secondsOf = ({ kind, limitSeconds }: JobSpec): number => {
  if (limitSeconds !== undefined) return limitSeconds
  if (kind === 'query' || kind === 'distribution') return QUERY_SECONDS
  return kind === 'gc' || kind === 'retention' ? LOOK_SECONDS : WORK_SECONDS
}

/** @throws CLUSTER_UNKNOWN */
function clustersOf(talk: Pick<ClusterTalk, 'clusters'>, { clusters }: JobSpec): readonly string[] {
  const all = talk.clusters()
  // A cluster that is only written down has nobody who could do anything: only who names it waits for it.
  const joined = all.filter(({ empty }) => empty !== true)
  const isNamed = clusters !== undefined && clusters.length > 0
  if ((isNamed ? all : joined).length === 0)
    throw appError('CLUSTER_UNKNOWN', { message: 'no cluster has joined this manager yet' })
  if (!isNamed) {
    if (joined.length > MAX_JOB_CLUSTERS)
      throw appError('BODY_INVALID', { message: `one job is for at most ${MAX_JOB_CLUSTERS} clusters; name some` })
    return joined.map(({ id }) => id)
  }
  const ids = clusters.map((name) => namedCluster(all, name).id)
  return [...new Set(ids)]
}

export function giveJob(
  { talk, store, resolver, registries, clock, meters, onGiven }: GiveJobComponents,
  { ownNames }: { readonly ownNames: readonly string[] },
): GiveJob {
  return async ({ spec, actor, key, credentials, shown, schedule }) => {
    const clusters = clustersOf(talk, spec)
    const hasCredentials = credentials !== undefined
    const parts = planParts(spec, { clusters, ownNames, hasCredentials })
    for (const { step, spec: each } of parts)
      if (step !== 'content' && each.url !== undefined) registries.check(each.url)
    const untilMs = Math.floor(clock.now()) + secondsOf(spec) * 1000
    const job = await store.add({ actor, spec, parts, untilMs, key, shown, schedule })
    if (hasCredentials && parts.some(({ step }) => step === 'resolve')) resolver.take(job, credentials)
    meters.given(spec.kind)
    onGiven()
    return job
  }
}
