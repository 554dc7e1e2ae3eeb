import type { AdminClient, buildIndexAdmin, trackerAdmin } from '../../../lib/api/index.ts'
import { type AbortOptions, appError, type Clock, codeOf, deadline, isAbort } from '../../../lib/base/index.ts'
import { type MayBeDone, refusalIn } from '../acts.ts'
import { namedCluster } from '../named-cluster.ts'

interface Talking<Admin> {
  readonly id: string
  readonly admin: Admin
}
export type Tracker = AdminClient<typeof trackerAdmin>
export type BuildIndex = AdminClient<typeof buildIndexAdmin>

/** What views need of the clusters: `ClusterTalk` has it. Those that answered lately come first. */
export interface ViewedClusters {
  clusters(): readonly { readonly id: string; readonly name: string; readonly away: boolean }[]
  trackers(clusterId: string): readonly Talking<Tracker>[]
  buildIndexes(clusterId: string): readonly Talking<BuildIndex>[]
}

export type ViewedCluster = ReturnType<ViewedClusters['clusters']>[number]

/** A cluster that could not be asked, and why. */
export interface SilentCluster {
  readonly cluster: string
  readonly code: string
}

/** The longest that one service is waited for. */
const ASK_MS = 5_000

export interface AskedClusters {
  all(): readonly ViewedCluster[]
  /** By name or id. @throws CLUSTER_UNKNOWN */
  named(cluster: string): ViewedCluster
  /**
   * What each tracker of a cluster says; of those that fail, nothing. @throws what the last one said when none answers,
   * NO_HEALTHY_MEMBER when there is none
   */
  ofTrackers<T>(cluster: ViewedCluster, ask: Ask<Tracker, T>, options: AbortOptions): Promise<readonly T[]>
  /** What the first one says that answers. @throws as above */
  ofOneTracker<T>(cluster: ViewedCluster, ask: Ask<Tracker, T>, options: ActOptions): Promise<T>
  ofOneBuildIndex<T>(cluster: ViewedCluster, ask: Ask<BuildIndex, T>, options: ActOptions): Promise<T>
  /** What `ask` finds in each of the clusters, and those where it fails. */
  each<T>(
    clusters: readonly ViewedCluster[],
    ask: (cluster: ViewedCluster) => Promise<T>,
  ): Promise<{
    readonly found: readonly { readonly cluster: string; readonly value: T }[]
    readonly silent: readonly SilentCluster[]
  }>
}

/** Of what changes something: `mayBeDone` is called for each that was asked and did not answer. */
export interface ActOptions extends AbortOptions {
  readonly mayBeDone?: MayBeDone
}

type Ask<Admin, T> = (admin: Admin, options: AbortOptions) => Promise<T>

/** Errors of an answer, after which nobody else has to be asked: others would say the same. */
const isSaid = (err: unknown, said: readonly string[]) => said.includes(codeOf(err) ?? '')
const FINAL = [
  'REQUEST_INVALID',
  'DIGEST_INVALID',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'CONTROL_FULL',
  'BODY_INVALID',
  'PULL_UNKNOWN',
  'MANIFEST_UNKNOWN',
  'TAG_INVALID',
]

export function askedClusters(clusters: ViewedClusters, clock: Clock): AskedClusters {
  const timed = async <T>(ask: (options: AbortOptions) => Promise<T>, { signal }: AbortOptions): Promise<T> => {
    const limit = deadline(clock, ASK_MS, signal)
    try {
      return await ask({ signal: limit.signal })
    } finally {
      limit.release()
    }
  }
  const none = () => appError('NO_HEALTHY_MEMBER')

  const ofOne = async <Admin, T>(members: readonly Talking<Admin>[], ask: Ask<Admin, T>, options: ActOptions) => {
    let last: unknown = none()
    for (const { admin } of members) {
      try {
        return await timed((within) => ask(admin, within), options)
      } catch (err) {
        if (refusalIn(err) === undefined) options.mayBeDone?.()
        if (options.signal?.aborted === true || isSaid(err, FINAL)) throw err
        last = isAbort(err) ? none() : err
      }
    }
    throw last
  }

  return {
    all: () => clusters.clusters(),
    named: (cluster) => namedCluster(clusters.clusters(), cluster),
    async ofTrackers(cluster, ask, options) {
      const asked = clusters.trackers(cluster.id).map(({ admin }) => timed((within) => ask(admin, within), options))
      const ends = await Promise.allSettled(asked)
      const found = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []))
      if (found.length > 0) return found
      const failed = ends.find((end) => end.status === 'rejected')
      throw failed === undefined || isAbort(failed.reason) ? none() : failed.reason
    },
    ofOneTracker: (cluster, ask, options) => ofOne(clusters.trackers(cluster.id), ask, options),
    ofOneBuildIndex: (cluster, ask, options) => ofOne(clusters.buildIndexes(cluster.id), ask, options),
    async each(chosen, ask) {
      const ends = await Promise.allSettled(chosen.map((cluster) => ask(cluster)))
      const named = ends.map((end, i) => ({ end, cluster: chosen[i]?.name ?? '' }))
      return {
        found: named.flatMap(({ end, cluster }) => (end.status === 'fulfilled' ? [{ cluster, value: end.value }] : [])),
        silent: named.flatMap(({ end, cluster }) =>
          end.status === 'rejected' ? [{ cluster, code: codeOf(end.reason) ?? 'UNKNOWN' }] : [],
        ),
      }
    },
  }
}
