import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { type Random, seededRandom } from '../../lib/base/index.ts'
import { type Digest, digestOf, PieceMap } from '../../lib/core/index.ts'
import type { BlobReader, BlobUploads, PartialBlob, StoredBlob } from '../../lib/store/index.ts'

/** Content of a blob, with its digest and pieces. */
export interface Content {
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly map: PieceMap
  piece(index: number): Uint8Array
  hash(index: number): Uint8Array
}

/** Random bytes cut into pieces of `pieceLength`. */
export function contentOf(bytes: Uint8Array, pieceLength = 1024): Content {
  const map = new PieceMap(bytes.length, pieceLength)
  const piece = (index: number) => {
    const { start, end } = map.rangeOf(index)
    return bytes.subarray(start, end)
  }
  return {
    bytes,
    digest: digestOf(bytes),
    map,
    piece,
    hash: (index) => createHash('sha256').update(piece(index)).digest(),
  }
}

/** `length` random bytes; the same seed gives the same bytes. */
export function randomContent(length: number, seed: number | Random = length + 1, pieceLength = 1024): Content {
  const random = typeof seed === 'number' ? seededRandom(seed) : seed
  return contentOf(random.bytes(length), pieceLength)
}

/** A source that gives `chunks` one after another; an Error among them is thrown. */
export async function* chunksOf(...chunks: readonly (Uint8Array | Error)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    if ('message' in chunk) throw chunk
    yield chunk
  }
}

/** Stores a complete blob through an upload. */
export async function putBlob(
  store: BlobUploads,
  { bytes, digest }: Pick<Content, 'bytes' | 'digest'>,
): Promise<StoredBlob> {
  const upload = await store.createUpload()
  await upload.append(chunksOf(bytes), { offset: 0 })
  return upload.commit(digest)
}

/** Writes pieces of `content`; all pieces when none are named. */
export async function writePieces(partial: PartialBlob, content: Content, pieces?: readonly number[]): Promise<void> {
  for (const piece of pieces ?? Array.from({ length: content.map.count }, (_, index) => index)) {
    await partial.write(piece, content.piece(piece), content.hash(piece))
  }
}

/** The bytes of a complete blob, or a range of them. */
export async function readBlob(
  store: BlobReader,
  digest: Digest,
  range?: { readonly start: number; readonly end: number },
): Promise<Uint8Array> {
  return buffer(await store.open(digest, range === undefined ? {} : { range }))
}
