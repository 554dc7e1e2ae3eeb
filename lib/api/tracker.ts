import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { AbortOptions } from '../base/index.ts'
import { type Digest, type Repository, repositoryText } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { jsonBody, send, sendForJson } from './answer.ts'
import { path } from './path.ts'
import { byteCountSchema, digestSchema, peerIdSchema, repositorySchema, swarmIdSchema } from './schemas.ts'

/** Route patterns of the tracker; docs/endpoints.md has a row for each. */
export const trackerRoutes = {
  announce: '/announce',
  metainfo: '/namespace/:namespace/blobs/:digest/metainfo',
} as const

/** Limits of the announce protocol; docs/limits.md gives the reasons. */
export const announceLimits = {
  /** Most torrents in one batch; a client with more sends several batches. */
  maxTorrents: 1000,
  /** Most peers in one answer. */
  maxPeers: 50,
  /** Most reports about other peers for one torrent; further ones are omitted. */
  maxReports: 50,
  maxBodyBytes: 8 * 1024 * 1024,
  /** Longest wait of a client for the answer before it tries the next tracker. */
  timeoutMs: 5_000,
  /** The same for a metainfo stream: enough time for the tracker to ask two origins. */
  metainfoMs: 7_000,
} as const

const shortText = z.string().max(255)
const countSchema = z.number().int().min(0)
const roleSchema = z.enum(['agent', 'origin'])
const portSchema = z.number().int().min(1).max(65_535)

/** The announcing peer. Its address is that of the socket, never one from the body. */
export const announcingPeerSchema = z.object({
  peerId: peerIdSchema,
  /** Proves that a later announce with this peer id comes from the same peer; any random text. */
  key: shortText.min(1),
  /** Where it listens for other peers. */
  port: portSchema,
  role: roleSchema,
  zone: shortText.exactOptional(),
  labels: z.record(shortText, shortText).exactOptional(),
  spareBytesPerSecond: countSchema.exactOptional(),
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
  reports: z.array(peerReportSchema).max(announceLimits.maxReports).readonly(),
})
/** The entry of one torrent in a batch. */
export type AnnounceTorrent = z.infer<typeof announceTorrentSchema>

/** Fields of later versions are dropped, so that old and new nodes can share a cluster. */
export const announceBatchSchema = z.object({
  peer: announcingPeerSchema,
  torrents: z.array(announceTorrentSchema).max(announceLimits.maxTorrents).readonly(),
})
export type AnnounceBatch = z.infer<typeof announceBatchSchema>

export const peerInfoSchema = z.object({
  peerId: peerIdSchema,
  host: z.union([z.ipv4(), z.ipv6()]),
  port: portSchema,
  role: roleSchema,
  complete: z.boolean(),
})

export const announceAnswerSchema = z.object({
  torrents: z
    .array(
      z.object({
        swarmId: swarmIdSchema,
        intervalMs: countSchema,
        /** Best peer first; never the announcing peer itself. */
        peers: z.array(peerInfoSchema).max(announceLimits.maxPeers).readonly(),
      }),
    )
    .readonly(),
})
export type AnnounceTorrentAnswer = z.infer<typeof announceAnswerSchema>['torrents'][number]

/** One tracker over HTTP. */
export interface TrackerClient {
  /** At most `announceLimits.maxTorrents` torrents. @throws BODY_INVALID, and the errors of the HTTP client */
  announce(batch: AnnounceBatch, options?: AbortOptions): Promise<readonly AnnounceTorrentAnswer[]>
  /** The bytes of the metainfo stream, for `decodeMetainfo`. Must be consumed or destroyed. @throws BLOB_UNKNOWN */
  openMetainfo(repository: Repository, digest: Digest, options?: AbortOptions): Promise<Readable>
}

/** `url` is the tracker's base URL without a trailing slash. */
export function trackerClient(http: HttpClient, url: string): TrackerClient {
  return {
    async announce(batch, { signal } = {}) {
      const request = {
        method: 'POST',
        url: url + trackerRoutes.announce,
        ...jsonBody(wireBatch(batch)),
        signal,
      } as const
      const timed = { ...request, headersTimeoutMs: announceLimits.timeoutMs }
      return (await sendForJson(http, timed, { schema: announceAnswerSchema })).torrents
    },
    async openMetainfo(repository, digest, { signal } = {}) {
      const target = url + path`/namespace/${repositoryText(repository)}/blobs/${digest}/metainfo`
      const wait = { headersTimeoutMs: announceLimits.metainfoMs }
      return (await send(http, { method: 'GET', url: target, signal, ...wait })).body
    },
  }
}

function wireBatch({ peer, torrents }: AnnounceBatch) {
  const line = ({ repository, ...rest }: AnnounceTorrent) =>
    repository === undefined ? rest : { ...rest, repository: repositoryText(repository) }
  return { peer, torrents: torrents.map(line) }
}
