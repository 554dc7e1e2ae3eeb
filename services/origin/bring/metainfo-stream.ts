import {
  type AbortOptions,
  abortController,
  appError,
  type Clock,
  hasCode,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import { type BlobRef, HASH_LENGTH, headerOf, INLINE_LIMIT } from '../../../lib/core/index.ts'
import { encodeMetainfo, encodePieces, encodeRecord } from '../../../lib/metainfo/index.ts'
import type { BlobReader } from '../../../lib/store/index.ts'
import type { Ingest } from './ingest.ts'
import type { ArrivingPieces } from './intake.ts'
import type { PieceHashes } from './piece-hashes.ts'

const HEARTBEAT_MS = 5_000

export interface MetainfoComponents {
  readonly store: Pick<BlobReader, 'readAt'>
  readonly ingest: Ingest
  readonly pieceHashes: PieceHashes
  readonly clock: Clock
}

/** Yields a heartbeat every 5 s until `work` has settled; returns its result, and rethrows its failure. */
async function* heartbeatsUntil<T>(clock: Clock, work: Promise<T>): AsyncGenerator<Uint8Array, T> {
  const cancel = abortController()
  const beat = () => clock.sleep(HEARTBEAT_MS, { signal: cancel.signal }).then(() => 'beat' as const)
  const done = work.then(() => 'done' as const)
  try {
    while ((await Promise.race([done, beat()])) === 'beat') yield encodeRecord({ kind: 'heartbeat' })
    return await work
  } finally {
    cancel.abort()
  }
}

/** Records that become known within this time go out together. */
const GROUP_MS = 20

/**
 * The metainfo stream of a blob, written by an origin. A small blob is inline. For others the header goes out as soon
 * as the length is known, then the hash of each piece as soon as it has come, with heartbeats between them, and
 * `verified` when the digest of the whole is right. Wrong content ends the stream with `failed`; any other failure is
 * thrown, so that the reader tries another origin.
 * @throws METAINFO_CONFLICT when the blob was brought anew, with other bytes than those whose hashes have gone out
 */
export async function* metainfoStream(
  components: MetainfoComponents,
  blob: BlobRef,
  options: AbortOptions & { readonly hop: boolean },
): AsyncGenerator<Uint8Array> {
  const { store, ingest } = components
  // Begun first: whoever brings the blob learns its length, which then is not asked of the backend a second time.
  const arriving = ingest.arriving(blob, options)
  arriving.catch(() => undefined)
  const length = await ingest.size(blob, options)
  throwIfAborted(options.signal)
  if (length <= INLINE_LIMIT) {
    const stored = await ingest.ensure(blob, options)
    const data = await store.readAt(blob.digest, { start: 0, end: stored.size })
    yield* encodeMetainfo({ header: { ...headerOf(blob.digest, length), data }, hashes: new Uint8Array() })
    return
  }
  yield encodeRecord({ kind: 'header', header: headerOf(blob.digest, length) })
  try {
    yield* pieceRecords(components, { blob, length, arriving }, options)
  } catch (err) {
    if (!hasCode(err, 'BACKEND_CORRUPT')) throw err
    yield encodeRecord({ kind: 'failed', code: 'BACKEND_CORRUPT' })
    return
  }
  yield encodeRecord({ kind: 'verified' })
}

interface SizedBlob {
  readonly blob: BlobRef
  readonly length: number
  readonly arriving: Promise<ArrivingPieces | undefined>
}

/** The hashes of all pieces, each as soon as it is known; ends when the digest of the whole is right. */
async function* pieceRecords(
  { ingest, pieceHashes, clock }: MetainfoComponents,
  { blob, length, arriving: coming }: SizedBlob,
  options: AbortOptions & { readonly hop: boolean },
): AsyncGenerator<Uint8Array> {
  const conflict = () => appError('METAINFO_CONFLICT', { detail: { digest: blob.digest } })
  const arriving = yield* heartbeatsUntil(clock, coming)
  // An earlier run left bytes of another length, which go as soon as the source tells its own.
  if (arriving !== undefined && arriving.partial.map.length !== length) throw conflict()
  const sent = arriving && (yield* arrivingRecords(clock, arriving, options))
  const all = ingest.ensure(blob, options).then((stored) => pieceHashes.of(stored, options))
  const hashes = new Uint8Array(yield* heartbeatsUntil(clock, all))
  if (sent === undefined) yield encodePieces(hashes)
  else if (Buffer.compare(sent, hashes) !== 0) throw conflict()
}

/** The hashes of what comes, in the order of its coming; returns those of all pieces. @throws why not all of them came */
async function* arrivingRecords(
  clock: Clock,
  arriving: ArrivingPieces,
  options: AbortOptions,
): AsyncGenerator<Uint8Array, Uint8Array> {
  const { count } = arriving.partial.map
  const hashes = new Uint8Array(count * HASH_LENGTH)
  for (let sent = 0; sent < count; ) {
    yield* heartbeatsUntil(clock, arriving.moreKnown(sent, options))
    const group = arriving.known.slice(sent)
    sent += group.length
    for (const piece of group) hashes.set(arriving.hashOf(piece), piece * HASH_LENGTH)
    yield Buffer.concat(runsOf(group).map(([first, end]) => encodePieces(hashesOf(hashes, first, end), first)))
    if (sent < count) await clock.sleep(GROUP_MS, options)
  }
  return hashes
}

const hashesOf = (hashes: Uint8Array, first: number, end: number) =>
  hashes.subarray(first * HASH_LENGTH, end * HASH_LENGTH)

/** Pieces as runs of consecutive ones: the first, and the one after the last. */
function runsOf(pieces: readonly number[]): [number, number][] {
  const runs: [number, number][] = []
  for (const piece of pieces.toSorted((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last?.[1] === piece) last[1] = piece + 1
    else runs.push([piece, piece + 1])
  }
  return runs
}
