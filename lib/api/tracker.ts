import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { AbortOptions } from '../base/index.ts'
import { type Digest, type Repository, repositoryText } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { jsonBody, send, sendForJson } from './answer.ts'
import type { KnownBlobOptions } from './blob-path.ts'
import { list, table, text } from './bounded.ts'
import { path, query } from './path.ts'
import {
  byteCountSchema,
  digestSchema,
  infoHashSchema,
  peerIdSchema,
  repositorySchema,
  swarmIdSchema,
} from './schemas.ts'
import { packedSwarmIds, swarmIdsSchema } from './swarm-ids.ts'

/** Route patterns of the tracker; docs/endpoints.md has a row for each. */
export const trackerRoutes = {
  announce: '/announce',
  metainfo: '/namespace/:namespace/blobs/:digest/metainfo',
} as const

/** Limits of the announce protocol; docs/limits.md gives the reasons. */
export const announceLimits = {
  /** Most torrents in one batch; a client with more sends several batches. */
  maxTorrents: 1000,
  /** Most seeds that one announce adds or removes; a client with more sends several announces. */
  maxSeedChanges: 50_000,
  /** Most seeds that a node announces to one tracker. */
  maxSeeds: 1_000_000,
  /** Most peers in one answer. */
  maxPeers: 50,
  /** Most reports about other peers for one torrent; further ones are omitted. */
  maxReports: 50,
  /** Most reports in one batch; a client omits further ones. */
  maxBatchReports: 5000,
  /** Most networks in which a peer has an address of its own. */
  maxNetworks: 16,
  /** Most labels of a peer. */
  maxLabels: 64,
  maxBodyBytes: 2 * 1024 * 1024,
  /** Largest introduction with a request for metainfo: one peer with its labels. */
  maxAskerBytes: 16 * 1024,
  /** Longest wait of a client for the answer before it tries the next tracker. */
  timeoutMs: 5_000,
  /** The same for a metainfo stream: enough time for the tracker to ask two origins. */
  metainfoMs: 7_000,
} as const

const shortText = text(255)
const countSchema = z.number().int().min(0)
const roleSchema = z.enum(['agent', 'origin'])
const portSchema = z.number().int().min(1).max(65_535)

/** An address where a peer listens. */
const peerAddressSchema = z.object({ host: z.union([z.ipv4(), z.ipv6()]), port: portSchema })

/** The announcing peer. Its address is that of the socket, never one from the body. */
export const announcingPeerSchema = z.object({
  peerId: peerIdSchema,
  /** Proves that a later announce with this peer id comes from the same peer; any random text. */
  key: shortText.min(1),
  /** Where it listens for other peers. */
  port: portSchema,
  role: roleSchema,
  zone: shortText.exactOptional(),
  labels: table(shortText, { max: announceLimits.maxLabels, maxKey: 255 }).exactOptional(),
  spareBytesPerSecond: countSchema.exactOptional(),
  /** The network that it is in, as its operator calls it. */
  network: shortText.exactOptional(),
  /** Where nodes of other networks reach it; taken from members of the services alone. */
  addresses: table(peerAddressSchema, { max: announceLimits.maxNetworks, maxKey: 255 }).exactOptional(),
})
export type AnnouncingPeer = z.infer<typeof announcingPeerSchema>

/** The record of one peer since the last announce. */
const peerReportSchema = z.object({
  peerId: shortText,
  receivedBytes: byteCountSchema,
  sentBytes: byteCountSchema,
  failures: countSchema,
  /** Absent when the sender's version does not measure it. */
  costMs: countSchema.exactOptional(),
})

export const announceTorrentSchema = z.object({
  swarmId: swarmIdSchema,
  digest: digestSchema,
  /** Absent for a blob that the peer has completely and knows only by its digest. */
  repository: repositorySchema.exactOptional(),
  event: z.enum(['started', 'interval', 'completed', 'stopped']),
  leftBytes: byteCountSchema,
  wantPeers: countSchema,
  reports: list(peerReportSchema, announceLimits.maxReports),
})
/** The entry of one torrent in a batch. */
export type AnnounceTorrent = z.infer<typeof announceTorrentSchema>

/** A peer that asks for the metainfo of a blob because it downloads it: what its announce of `started` would say. */
export const metainfoAskerSchema = z.object({ peer: announcingPeerSchema, wantPeers: countSchema })
export type MetainfoAsker = z.infer<typeof metainfoAskerSchema>

const sequenceSchema = z.number().int().min(1)

/**
 * What changed in the set of blobs that the peer has completely, between two states that it numbers itself. A tracker
 * that does not have the state `base` takes nothing, and gets everything next.
 */
export const seedChangesSchema = z.object({
  /** Absent when `add` is all that the peer seeds. */
  base: sequenceSchema.exactOptional(),
  sequence: sequenceSchema,
  /** Swarm ids; first the peer has those of `remove` no longer, then it has those of `add`. */
  remove: swarmIdsSchema(announceLimits.maxSeedChanges),
  add: swarmIdsSchema(announceLimits.maxSeedChanges),
})
export type SeedChanges = z.infer<typeof seedChangesSchema>

/** Fields of later versions are dropped, so that old and new nodes can share a cluster. */
export const announceBatchSchema = z.object({
  peer: announcingPeerSchema,
  torrents: list(announceTorrentSchema, announceLimits.maxTorrents),
  /** Absent when the announce says nothing about complete blobs. */
  seeds: seedChangesSchema.exactOptional(),
})
export type AnnounceBatch = z.infer<typeof announceBatchSchema>

export const peerInfoSchema = z.object({
  peerId: peerIdSchema,
  host: z.union([z.ipv4(), z.ipv6()]),
  port: portSchema,
  role: roleSchema,
  complete: z.boolean(),
  /** Of a stock client. */
  infoHash: infoHashSchema.exactOptional(),
})

export const announceAnswerSchema = z.object({
  torrents: list(
    z.object({
      swarmId: swarmIdSchema,
      intervalMs: countSchema,
      /** Best peer first; never the announcing peer itself. */
      peers: list(peerInfoSchema, announceLimits.maxPeers),
    }),
    announceLimits.maxTorrents,
  ),
  /** The answer to `seeds`. */
  seeds: z
    .object({
      /** The state that the tracker has now: 0 when it does not know the peer. */
      sequence: countSchema,
      /** Time until the peer should announce again, even when nothing has changed. */
      intervalMs: countSchema,
    })
    .exactOptional(),
})
export type AnnounceAnswer = z.infer<typeof announceAnswerSchema>
export type SeedAnswer = NonNullable<AnnounceAnswer['seeds']>
export type AnnounceTorrentAnswer = z.infer<typeof announceAnswerSchema>['torrents'][number]

/** One tracker over HTTP. */
export interface TrackerClient {
  /** At most `announceLimits.maxTorrents` torrents. @throws BODY_INVALID, and the errors of the HTTP client */
  announce(batch: AnnounceBatch, options?: AbortOptions): Promise<readonly AnnounceTorrentAnswer[]>
  /**
   * Tells what the peer has completely. Undefined when the tracker is of a version that knows no such announce.
   * @throws BODY_INVALID, and the errors of the HTTP client
   */
  announceSeeds(peer: AnnouncingPeer, seeds: SeedChanges, options?: AbortOptions): Promise<SeedAnswer | undefined>
  /** The bytes of the metainfo stream, for `decodeMetainfo`. Must be consumed or destroyed. @throws BLOB_UNKNOWN */
  openMetainfo(repository: Repository, digest: Digest, options?: OpenMetainfoOptions): Promise<Readable>
}

export interface OpenMetainfoOptions extends KnownBlobOptions {
  /**
   * Announces `started` for this peer with the same request, so that the stream also has a `peers` record: none if the
   * blob is so small that it has no swarm, or the peer id is another's.
   */
  readonly asker?: MetainfoAsker | undefined
}

/** `url` is the tracker's base URL without a trailing slash. */
export function trackerClient(http: HttpClient, url: string): TrackerClient {
  const announce = (batch: AnnounceBatch, { signal }: AbortOptions = {}) => {
    const target = { method: 'POST', url: url + trackerRoutes.announce, ...jsonBody(wireBatch(batch)) } as const
    const timed = { ...target, headersTimeoutMs: announceLimits.timeoutMs, signal }
    return sendForJson(http, timed, { schema: announceAnswerSchema })
  }
  return {
    announce: async (batch, options) => (await announce(batch, options)).torrents,
    announceSeeds: async (peer, seeds, options) => (await announce({ peer, torrents: [], seeds }, options)).seeds,
    async openMetainfo(repository, digest, { signal, as, asker } = {}) {
      const target = url + path`/namespace/${repositoryText(repository)}/blobs/${digest}/metainfo` + query({ as })
      const how = asker === undefined ? ({ method: 'GET' } as const) : ({ method: 'POST', ...jsonBody(asker) } as const)
      const wait = { headersTimeoutMs: announceLimits.metainfoMs }
      return (await send(http, { ...how, url: target, lane: 'download', signal, ...wait })).body
    },
  }
}

function wireBatch({ peer, torrents, seeds }: AnnounceBatch) {
  let left: number = announceLimits.maxBatchReports
  const line = ({ repository, reports, ...rest }: AnnounceTorrent) => {
    const told = { ...rest, reports: reports.slice(0, left) }
    left -= told.reports.length
    return repository === undefined ? told : { ...told, repository: repositoryText(repository) }
  }
  const batch = { peer, torrents: torrents.map(line) }
  if (seeds === undefined) return batch
  return { ...batch, seeds: { ...seeds, add: packedSwarmIds(seeds.add), remove: packedSwarmIds(seeds.remove) } }
}
