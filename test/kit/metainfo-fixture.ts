import { type Random, seededRandom } from '../../lib/base/index.ts'
import { digestOf, headerOf, INLINE_LIMIT, type MetaInfo, type MetaInfoHeader, PieceMap } from '../../lib/core/index.ts'
import { pieceHasher } from '../../lib/metainfo/index.ts'

/** A blob of random bytes with its complete metainfo. */
export interface BlobFixture extends MetaInfo {
  readonly bytes: Uint8Array
  readonly map: PieceMap
}

/** Random bytes, made fast: one random kilobyte, changed by position, so that no two pieces are equal. */
export function randomContent(length: number, random: Random = seededRandom(1)): Uint8Array {
  const seed = Buffer.from(random.bytes(1021))
  const bytes = Buffer.alloc(length, seed)
  for (let at = 0; at + 4 <= length; at += 4093) bytes.writeUInt32LE(Math.floor(random.next() * 2 ** 32), at)
  return bytes
}

export function blobFixture(length: number, random: Random = seededRandom(1)): BlobFixture {
  const bytes = randomContent(length, random)
  const map = new PieceMap(length)
  const hasher = pieceHasher(map)
  hasher.update(bytes)
  const base = headerOf(digestOf(bytes), length)
  const header: MetaInfoHeader = length <= INLINE_LIMIT ? { ...base, data: bytes } : base
  return { header, hashes: header.data === undefined ? hasher.digest() : new Uint8Array(0), bytes, map }
}
