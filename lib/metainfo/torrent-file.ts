import { createHash } from 'node:crypto'
import { type Digest, digestHex, type InfoHash, type PieceMap, parseInfoHash } from '../core/index.ts'
import { encodeBencode } from './bencode.ts'

/** A whole blob as BEP 3 describes it. */
export interface BlobTorrent {
  readonly digest: Digest
  /** The piece length is that of the swarm, so that stock clients and our nodes exchange the same pieces. */
  readonly map: PieceMap
  /** The SHA-1 of all pieces, 20 bytes each. */
  readonly pieces: Uint8Array
}

/** The info dictionary: it follows from the bytes alone, so every origin makes the same one. Private: no DHT, no PEX. */
function infoOf({ digest, map, pieces }: BlobTorrent) {
  return { length: map.length, name: digestHex(digest), 'piece length': map.pieceLength, pieces, private: 1 }
}

/** The info-hash of a blob's torrent. */
export function infoHashOf(torrent: BlobTorrent): InfoHash {
  return parseInfoHash(
    createHash('sha1')
      .update(encodeBencode(infoOf(torrent)))
      .digest('hex'),
  )
}

/**
 * The bytes of a torrent file (BEP 3) whose trackers are asked one after the other, the first one first (BEP 12: one tier
 * for each). `announce` has at least one URL.
 */
export function torrentFile(torrent: BlobTorrent, announce: readonly [string, ...string[]]): Uint8Array {
  const [first] = announce
  const tiers = announce.length === 1 ? undefined : announce.map((url) => [url])
  return encodeBencode({ announce: first, 'announce-list': tiers, info: infoOf(torrent) })
}
