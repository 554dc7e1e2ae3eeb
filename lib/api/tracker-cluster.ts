import type { Readable } from 'node:stream'
import { type AbortOptions, isAbort, isAppError } from '../base/index.ts'
import { type Cluster, isMemberFailure, type Member, memberClients, reportFailure, tryEach } from '../cluster/index.ts'
import { type Digest, type Repository, swarmIdOf } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { type SeedAnnouncer, seedAnnouncer } from './seed-announcer.ts'
import {
  type AnnounceTorrent,
  type AnnounceTorrentAnswer,
  type AnnouncingPeer,
  announceLimits,
  type OpenMetainfoOptions,
  type TrackerClient,
  trackerClient,
} from './tracker.ts'

export interface TrackerClusterComponents {
  readonly http: HttpClient
  /** The ring of trackers, by swarm id. */
  readonly cluster: Cluster
  readonly logger: Logger
}

/** All trackers as one, for one node. */
export interface TrackerCluster {
  /** Tells the trackers what the node has completely. */
  readonly tellSeeds: SeedAnnouncer['tell']
  /**
   * Announces each torrent to the tracker that owns its swarm: one request per tracker, in parallel. When a tracker
   * fails, its torrents go at once to the next tracker on their ring. Torrents that no tracker accepted are missing
   * from the answer.
   * @throws ABORTED only
   */
  announce(
    peer: AnnouncingPeer,
    torrents: readonly AnnounceTorrent[],
    options?: AbortOptions,
  ): Promise<readonly AnnounceTorrentAnswer[]>
  /**
   * The bytes of one metainfo stream, relayed by the tracker of the blob's swarm; when it breaks, the caller opens it
   * again. @throws BLOB_UNKNOWN (a tracker has asked every origin), NO_HEALTHY_MEMBER, ABORTED
   */
  openMetainfo(repository: Repository, digest: Digest, options?: OpenMetainfoOptions): Promise<Readable>
  /** Calls back after each change of the trackers, until the result is called: swarms have other trackers then. */
  onMoved(listener: () => void): () => void
}

/** A torrent that is not announced yet, with the trackers that may still be tried, best first. */
interface Pending {
  readonly torrent: AnnounceTorrent
  readonly next: readonly Member[]
}

export function trackerCluster({ http, cluster, logger }: TrackerClusterComponents): TrackerCluster {
  const clients = memberClients(cluster, (url) => trackerClient(http, url))
  const client = (member: Member): TrackerClient => clients.of(member)
  const seeds = seedAnnouncer(
    { cluster, logger, client: (id) => clients.at(id) },
    { maxChanges: announceLimits.maxSeedChanges, maxSeeds: announceLimits.maxSeeds },
  )

  const deliver = async (
    peer: AnnouncingPeer,
    pending: readonly Pending[],
    options: AbortOptions,
  ): Promise<readonly AnnounceTorrentAnswer[]> => {
    const answers = await Promise.all(
      batches(pending).map(async ({ member, group }) => {
        try {
          const torrents = group.map(({ torrent }) => torrent)
          const taken = await client(member).announce({ peer, torrents }, options)
          cluster.report(member.id, 'ok')
          return taken
        } catch (err) {
          if (isAbort(err) && options.signal?.aborted === true) throw err
          reportFailure(cluster, member, err)
          logger.warn('failed to announce to a tracker', { tracker: member.id, torrents: group.length, err })
          if (isAppError(err) && !err.retryable && !isMemberFailure(err)) return []
          const [answers] = await Promise.all([
            deliver(
              peer,
              group.map(({ torrent, next }) => ({ torrent, next: next.slice(1) })),
              options,
            ),
            seeds.failed(member.id, peer, options),
          ])
          return answers
        }
      }),
    )
    return answers.flat()
  }

  return {
    tellSeeds: seeds.tell,
    announce: (peer, torrents, options = {}) =>
      deliver(
        peer,
        torrents.map((torrent) => ({ torrent: withinLimits(torrent), next: cluster.candidates(torrent.swarmId) })),
        options,
      ),
    openMetainfo: (repository, digest, options = {}) =>
      tryEach(
        cluster,
        swarmIdOf(digest),
        (member) => client(member).openMetainfo(repository, digest, options),
        options,
      ),
    onMoved: (listener) => cluster.onChange(listener),
  }
}

/**
 * Groups torrents by the tracker to ask next, in batches of the allowed size; drops torrents without a tracker left.
 */
function batches(pending: readonly Pending[]): { member: Member; group: Pending[] }[] {
  const out: { member: Member; group: Pending[] }[] = []
  const open = new Map<string, Pending[]>()
  for (const item of pending) {
    const member = item.next[0]
    if (member === undefined) continue
    let group = open.get(member.id)
    if (group === undefined || group.length >= announceLimits.maxTorrents) {
      group = []
      open.set(member.id, group)
      out.push({ member, group })
    }
    group.push(item)
  }
  return out
}

function withinLimits(torrent: AnnounceTorrent): AnnounceTorrent {
  return {
    ...torrent,
    wantPeers: Math.min(torrent.wantPeers, announceLimits.maxPeers),
    reports: torrent.reports.slice(0, announceLimits.maxReports),
  }
}
