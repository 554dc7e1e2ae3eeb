import type { TorrentCluster } from '../../../lib/api/index.ts'
import { type AbortOptions, appError, type Clock, countCache, singleFlight } from '../../../lib/base/index.ts'
import type { Digest, InfoHash } from '../../../lib/core/index.ts'

/** Torrents that are remembered, about 300 bytes each. */
const MAX_TORRENTS = 20_000

export interface TorrentNamesComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly origins: Pick<TorrentCluster, 'infoHashOf'>
}

/**
 * Which info-hash belongs to which blob, for the blobs that stock clients have announced here. Only origins say so: they
 * have hashed the bytes. So nobody can announce a blob under the name of another one, and have nodes give that one out.
 */
export interface TorrentNames {
  /**
   * @throws TORRENT_UNKNOWN when no origin has made a torrent of the blob, REQUEST_INVALID when it has another info-hash,
   * NO_HEALTHY_MEMBER, ABORTED
   */
  check(digest: Digest, infoHash: InfoHash, options?: AbortOptions): Promise<void>
  /** @throws TORRENT_UNKNOWN when nobody has announced a blob by it here */
  digestOf(infoHash: InfoHash): Digest
}

export function torrentNames({ clock, origins }: TorrentNamesComponents): TorrentNames {
  const names = countCache<InfoHash>(clock, { maxEntries: MAX_TORRENTS })
  const digests = countCache<Digest>(clock, { maxEntries: MAX_TORRENTS })
  const looks = singleFlight<Digest, InfoHash | undefined>()

  const nameOf = async (digest: Digest, options: AbortOptions) => {
    const known = names.get(digest)
    if (known !== undefined) return known
    const found = await looks.run(digest, (signal) => origins.infoHashOf(digest, { signal }), options)
    if (found === undefined) throw appError('TORRENT_UNKNOWN', { detail: { digest } })
    return found
  }

  return {
    async check(digest, infoHash, options = {}) {
      const right = await nameOf(digest, options)
      // Those whose clients announce are remembered longest.
      names.set(digest, right)
      digests.set(right, digest)
      if (right === infoHash) return
      throw appError('REQUEST_INVALID', { message: 'the torrent is not the one that the origins make of this blob' })
    },
    digestOf(infoHash) {
      const digest = digests.get(infoHash)
      if (digest === undefined) throw appError('TORRENT_UNKNOWN', { detail: { infoHash } })
      return digest
    },
  }
}
