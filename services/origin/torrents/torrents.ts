import type { TorrentFacts } from '../../../lib/api/index.ts'
import { type AbortOptions, appError, byteCache, singleFlight, slots } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import { type BlobRef, type Digest, INLINE_LIMIT, PieceMap, swarmIdOf } from '../../../lib/core/index.ts'
import { refusal } from '../../../lib/http/index.ts'
import { type BlobTorrent, infoHashOf, torrentFile } from '../../../lib/metainfo/index.ts'
import type { BlobReader, StoredBlob } from '../../../lib/store/index.ts'
import type { Ingest } from '../bring/ingest-contract.ts'
import type { PieceHashes } from '../bring/piece-hashes.ts'

/** Blobs that are read for their SHA-1 at once; it takes a core. */
const AT_ONCE = 1
/** Blobs that may wait for that. */
const MAX_WAITING = 16
/** Torrent files kept for those who ask for the same one. */
const CACHE_BYTES = 32 * 1024 * 1024
/** When to ask again after a refusal, seconds. */
const RETRY_S = 10

export interface TorrentsComponents {
  readonly store: Pick<BlobReader, 'stat'>
  readonly ingest: Pick<Ingest, 'ensure'>
  /** Of the kind `torrent`. */
  readonly hashes: PieceHashes
  /** The ring by which torrents name trackers: first the one that owns the swarm. */
  readonly trackers: Pick<Cluster, 'candidates'>
}

/**
 * Torrents (BEP 3) of blobs, for stock BitTorrent clients. The SHA-1 of the pieces is computed when somebody asks for the
 * first time, and kept beside the blob.
 */
export interface Torrents {
  /**
   * The torrent file; the blob is brought here if need be. All who ask for one share the work, which ends when the last of
   * them leaves. @throws TORRENT_NONE, UNAVAILABLE (too many are being made), STORE_CORRUPT, and as `Ingest.ensure`
   */
  file(blob: BlobRef, options: AbortOptions & { readonly hop: boolean }): Promise<Uint8Array>
  /** What is known of a torrent that was made here; nothing is computed. @throws TORRENT_UNKNOWN */
  facts(digest: Digest): Promise<TorrentFacts>
}

export function torrents({ store, ingest, hashes, trackers }: TorrentsComponents): Torrents {
  const turns = slots(AT_ONCE)
  const flights = singleFlight<Digest, Uint8Array>()
  const pieces = byteCache<Uint8Array>(CACHE_BYTES, (bytes) => bytes.byteLength)

  const sha1Of = async (stored: StoredBlob, signal: AbortSignal) => {
    const kept = await hashes.kept(stored)
    if (kept !== undefined) return kept
    if (turns.waiting >= MAX_WAITING) {
      const err = appError('UNAVAILABLE', { message: 'too many torrents are being made; ask again' })
      throw refusal(err, { 'retry-after': RETRY_S })
    }
    return turns.run(() => hashes.of(stored, { signal }), { signal })
  }

  const unknown = (digest: Digest) => appError('TORRENT_UNKNOWN', { detail: { digest } })

  const torrentOf = ({ digest, size }: StoredBlob, sha1: Uint8Array): BlobTorrent => ({
    ...{ digest, map: new PieceMap(size), pieces: sha1 },
  })

  return {
    async file(blob, options) {
      const { digest } = blob
      const stored = await ingest.ensure(blob, options)
      if (stored.size <= INLINE_LIMIT) throw appError('TORRENT_NONE', { detail: { size: stored.size } })
      const made = pieces.get(digest) ?? (await flights.run(digest, (signal) => sha1Of(stored, signal), options))
      pieces.set(digest, made)
      const urls = trackers.candidates(swarmIdOf(digest)).map(({ url }) => `${url}/announce/${digest}`)
      return torrentFile(torrentOf(stored, made), urls as [string, ...string[]])
    },
    async facts(digest) {
      const stored = await store.stat(digest)
      if (stored === undefined) throw unknown(digest)
      const made = pieces.get(digest) ?? (await hashes.kept(stored))
      if (made === undefined) throw unknown(digest)
      return { digest, infoHash: infoHashOf(torrentOf(stored, made)), size: stored.size }
    },
  }
}
