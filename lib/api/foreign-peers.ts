import { z } from 'zod'
import { type AbortOptions, hasCode } from '../base/index.ts'
import { type Cluster, tryEach } from '../cluster/index.ts'
import { type Digest, type InfoHash, type Repository, repositoryText, type SwarmId, swarmIdOf } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { send, sendForJson } from './answer.ts'
import { path } from './path.ts'
import { byteCountSchema, digestSchema, infoHashSchema } from './schemas.ts'

/** Routes for stock BitTorrent clients; docs/endpoints.md has a row for each. The first two are the origins', the others the trackers'. */
export const foreignRoutes = {
  torrent: '/namespace/:namespace/blobs/:digest/torrent',
  torrentFacts: '/torrents/:digest',
  announce: '/announce/:digest',
  infoHash: '/info-hashes/:infoHash',
} as const

/** Largest torrent file, bytes: of a blob of 1 TiB, 20 for each piece. */
const MAX_TORRENT_BYTES = 24 * 1024 * 1024
/** Longest wait for one of the short answers. */
const TIMEOUT_MS = 2_000
/** Longest wait for a torrent that is being made; restarts whenever the origin reports that it is still working. */
const TORRENT_MS = 60_000

/** What an origin knows of a torrent that it has made. */
export const torrentFactsSchema = z.object({ digest: digestSchema, infoHash: infoHashSchema, size: byteCountSchema })
export type TorrentFacts = z.output<typeof torrentFactsSchema>

/** The blob whose torrent has an info-hash. */
export const infoHashSwarmSchema = z.object({ digest: digestSchema })

interface Ring {
  readonly http: HttpClient
  readonly cluster: Cluster
}

/** Torrents of complete blobs, at the ring of origins. */
export interface TorrentCluster {
  /**
   * The torrent file, made if it is not made yet. @throws BLOB_UNKNOWN, TORRENT_NONE, FOREIGN_PEERS_OFF,
   * NO_HEALTHY_MEMBER, ABORTED
   */
  torrent(repository: Repository, digest: Digest, options?: AbortOptions): Promise<Uint8Array>
  /** The info-hash of a torrent that an origin has made; undefined when none has. @throws NO_HEALTHY_MEMBER, ABORTED */
  infoHashOf(digest: Digest, options?: AbortOptions): Promise<InfoHash | undefined>
}

export function torrentCluster({ http, cluster }: Ring): TorrentCluster {
  return {
    torrent: (repository, digest, options = {}) =>
      tryEach(
        cluster,
        digest,
        async ({ url }) => {
          const target = url + path`/namespace/${repositoryText(repository)}/blobs/${digest}/torrent`
          const request = { method: 'GET', url: target, lane: 'download', headersTimeoutMs: TORRENT_MS } as const
          return (await send(http, { ...request, ...options })).bytes(MAX_TORRENT_BYTES)
        },
        options,
      ),
    infoHashOf: (digest, options = {}) =>
      unlessUnknown(
        tryEach(
          cluster,
          digest,
          async ({ url }) => {
            const request = {
              method: 'GET',
              url: url + path`/torrents/${digest}`,
              headersTimeoutMs: TIMEOUT_MS,
            } as const
            return (await sendForJson(http, { ...request, ...options }, { schema: torrentFactsSchema })).infoHash
          },
          { ...options, isDefinite: () => false },
        ),
      ),
  }
}

/** What trackers know of stock clients. */
export interface ForeignSwarms {
  /** The swarm of the blob whose torrent has the info-hash, if a stock client has announced it. @throws NO_HEALTHY_MEMBER, ABORTED */
  swarmOf(infoHash: InfoHash, options?: AbortOptions): Promise<SwarmId | undefined>
}

/** Asks one tracker after the other, since an info-hash does not say which of them owns the swarm. */
export function foreignSwarms({ http, cluster }: Ring): ForeignSwarms {
  return {
    swarmOf: (infoHash, options = {}) =>
      unlessUnknown(
        tryEach(
          cluster,
          infoHash,
          async ({ url }) => {
            const target = url + path`/info-hashes/${infoHash}`
            const request = { method: 'GET', url: target, headersTimeoutMs: TIMEOUT_MS, ...options } as const
            return swarmIdOf((await sendForJson(http, request, { schema: infoHashSwarmSchema })).digest)
          },
          { ...options, isDefinite: () => false },
        ),
      ),
  }
}

/** Undefined when everybody who was asked knows of no torrent. */
async function unlessUnknown<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (err) {
    if (hasCode(err, 'TORRENT_UNKNOWN')) return undefined
    throw err
  }
}
