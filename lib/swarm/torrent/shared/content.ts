import { appError, Bitset, hasCode } from '../../../base/index.ts'
import { type Digest, type MetaInfoHeader, PieceMap } from '../../../core/index.ts'
import type { PieceDigester } from '../../../metainfo/index.ts'
import type { BlobReader, PartialBlob, PartialBlobs } from '../../../store/index.ts'
import { SLICE_LENGTH, type SliceSource } from './slice-cache.ts'

/** The bytes of a blob that this node has, complete or not, as the swarm reads them. */
export interface Content extends SliceSource {
  /** Pieces that can be read and are offered to peers. Live. */
  readonly have: Bitset
}

/** A blob that is complete in the store. `read` throws BLOB_UNKNOWN once it was evicted. */
export function completeContent(store: BlobReader, header: MetaInfoHeader): Content {
  const map = new PieceMap(header.length, header.pieceLength)
  return {
    key: header.digest,
    map,
    sliceLength: SLICE_LENGTH,
    have: Bitset.full(map.count),
    read: (range, into) => store.readAt(header.digest, range, into),
  }
}

/** A blob that is arriving; without a partial (the disk is full) none of its pieces are stored. */
export interface ArrivingContent extends Content {
  readonly partial: PartialBlob | undefined
}

/** Counts the arrivals of this process. */
let arrivals = 0

/**
 * The digest is not verified yet, so the memory of one arrival must not be confused with that of another one or of the
 * complete blob.
 */
function newArrival(digest: Digest, map: PieceMap): Pick<Content, 'key' | 'map' | 'sliceLength'> {
  arrivals += 1
  return { key: `${digest}#${arrivals}`, map, sliceLength: map.pieceLength }
}

/** What of a blob is in a partial. */
export function partialContent(partial: PartialBlob): ArrivingContent & { readonly partial: PartialBlob } {
  const facts = newArrival(partial.digest, partial.map)
  return { ...facts, have: partial.have, partial, read: (range, into) => partial.read(range, into) }
}

export interface HeldComponents {
  readonly store: PartialBlobs
  readonly digester: Pick<PieceDigester, 'digest'>
}

/**
 * What of a blob lies in the store, from an earlier pull. Nobody has looked at it since, so each piece is compared with
 * its hash when it is read: what has rotted is STORE_CORRUPT. @throws BLOB_UNKNOWN when nothing of it is left
 */
export async function heldContent({ store, digester }: HeldComponents, digest: Digest): Promise<Content> {
  const held = (await store.partials()).find((each) => each.digest === digest)
  if (held === undefined || held.bytes === 0) throw appError('BLOB_UNKNOWN')
  const partial = await store.openPartial(digest, held.map)
  const read: Content['read'] = async ({ start, end }, into) => {
    const piece = Math.floor(start / held.map.pieceLength)
    const whole = held.map.rangeOf(piece)
    const isWhole = start === whole.start && end === whole.end
    const bytes = await partial.read(whole, isWhole ? into : undefined)
    const hash = partial.hashOf(piece)
    if (hash === undefined || Buffer.compare(await digester.digest(bytes), hash) !== 0) throw appError('STORE_CORRUPT')
    if (isWhole) return bytes
    const part = bytes.subarray(start - whole.start, end - whole.start)
    into?.set(part)
    return into ?? part
  }
  return { ...newArrival(digest, held.map), have: partial.have, read }
}

/** Opens or creates the partial of a blob; the store replaces a partial that contradicts the header. */
export async function arrivingContent(
  store: PartialBlobs,
  { digest, length, pieceLength }: MetaInfoHeader,
): Promise<ArrivingContent> {
  const map = new PieceMap(length, pieceLength)
  try {
    return partialContent(await store.openPartial(digest, map))
  } catch (err) {
    if (!hasCode(err, 'STORE_FULL')) throw err
    return {
      ...newArrival(digest, map),
      have: new Bitset(map.count),
      partial: undefined,
      read: () => Promise.reject(appError('STORE_FULL')),
    }
  }
}
