import { createHash } from 'node:crypto'
import { seededRandom } from '../../lib/base/index.ts'
import {
  type Digest,
  digestOf,
  headerOf,
  INLINE_LIMIT,
  type MetaInfoHeader,
  PieceMap,
  pieceLengthFor,
} from '../../lib/core/index.ts'
import { hashPiece, type MetainfoRecord } from '../../lib/metainfo/index.ts'

/** A blob of random bytes with its metainfo. */
export interface SwarmBlob {
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly header: MetaInfoHeader
  readonly map: PieceMap
  /** The whole metainfo stream. */
  readonly records: readonly MetainfoRecord[]
}

/**
 * The same seed and size give the same blob. Its bytes are a hash chain: fast to make, and no two blocks are equal. With
 * a piece length of its own it is refused by whoever checks its header.
 */
export function swarmBlob(seed: number, size: number, pieceLength: number = pieceLengthFor(size)): SwarmBlob {
  const bytes = randomBytes(seed, size)
  const digest = digestOf(bytes)
  const map = new PieceMap(size, pieceLength)
  const base = { ...headerOf(digest, size), pieceLength }
  const header = size <= INLINE_LIMIT ? { ...base, data: bytes } : base
  const records: MetainfoRecord[] = [{ kind: 'header', header }]
  for (let index = 0; index < map.count && header === base; index += 1) {
    const { start, end } = map.rangeOf(index)
    records.push({ kind: 'piece', index, hash: hashPiece(bytes.subarray(start, end)) })
  }
  records.push({ kind: 'verified' })
  return { bytes, digest, header, map, records }
}

function randomBytes(seed: number, size: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(size)
  const block = Buffer.from(seededRandom(seed).bytes(4096))
  for (let at = 0; at < size; at += block.length) {
    createHash('sha512').update(block.subarray(0, 64)).update(String(at)).digest().copy(block)
    block.copy(bytes, at)
  }
  return bytes
}
