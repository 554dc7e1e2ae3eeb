import { type Clock, deadline, type Rounds, rounds } from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { ClusterStore } from './cluster-store.ts'
import type { HostStore } from './host-store.ts'
import { walkHosts } from './host-walk.ts'
import type { ClusterTalk } from './talk.ts'

/** How long one cluster may take. */
const WALK_MS = 300_000

export interface HostRoundsComponents {
  readonly talk: Pick<ClusterTalk, 'clusters' | 'trackers'>
  readonly hosts: HostStore
  readonly clusters: Pick<ClusterStore, 'count'>
  /** The generation of settings that the hosts of a cluster should run; 0: none. */
  readonly wantedGeneration: (clusterId: string) => Promise<number>
  readonly clock: Clock
  readonly logger: Logger
}

/** Reads the hosts of each cluster from its trackers, one cluster after the other. One manager of several does this. */
export function hostRounds(
  { talk, hosts, clusters, wantedGeneration, clock, logger }: HostRoundsComponents,
  { pauseMs }: { readonly pauseMs: number },
): Rounds {
  const walk = async (cluster: { readonly id: string; readonly name: string }, signal: AbortSignal) => {
    const onFailure = (err: unknown) =>
      logger.warn('failed to read hosts from a tracker', { cluster: cluster.name, err })
    const trackers = talk.trackers(cluster.id).map(({ admin }) => admin)
    const limit = deadline(clock, WALK_MS, signal)
    try {
      const asked = { clusterId: cluster.id, wanted: await wantedGeneration(cluster.id) }
      const { agents, behind } = await walkHosts({ hosts, trackers, onFailure }, asked, limit)
      if (agents !== undefined) await clusters.count(cluster.id, { agents, behind })
    } catch (err) {
      // One cluster that is slow or broken keeps no other from being read.
      signal.throwIfAborted()
      onFailure(err)
    } finally {
      limit.release()
    }
  }
  return rounds(clock, {
    work: async (signal) => {
      for (const cluster of talk.clusters().filter(({ away }) => !away)) await walk(cluster, signal)
      return pauseMs
    },
    onFailure: (err) => logger.warn('failed to read the hosts of clusters', { err }),
    retryMs: pauseMs,
  })
}
