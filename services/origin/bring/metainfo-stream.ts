import { type AbortOptions, abortController, type Clock, hasCode, throwIfAborted } from '../../../lib/base/index.ts'
import { type BlobRef, headerOf, INLINE_LIMIT } from '../../../lib/core/index.ts'
import { encodeMetainfo, encodePieces, encodeRecord } from '../../../lib/metainfo/index.ts'
import type { BlobReader, StoredBlob } from '../../../lib/store/index.ts'
import type { Ingest } from './ingest.ts'
import type { PieceHashes } from './piece-hashes.ts'

const HEARTBEAT_MS = 5_000

export interface MetainfoComponents {
  readonly store: Pick<BlobReader, 'readAt'>
  readonly ingest: Ingest
  readonly pieceHashes: PieceHashes
  readonly clock: Clock
}

/** Yields a heartbeat every 5 s until `work` has settled; rethrows its failure. */
async function* heartbeatsUntil(clock: Clock, work: Promise<unknown>): AsyncGenerator<Uint8Array> {
  const cancel = abortController()
  const beat = () => clock.sleep(HEARTBEAT_MS, { signal: cancel.signal }).then(() => 'beat' as const)
  const done = work.then(() => 'done' as const)
  try {
    while ((await Promise.race([done, beat()])) === 'beat') yield encodeRecord({ kind: 'heartbeat' })
  } finally {
    cancel.abort()
  }
}

/**
 * The metainfo stream of a blob, written by an origin. A small blob is inline. For others the header goes out as soon
 * as the length is known, then heartbeats while the blob is brought and hashed, then the piece hashes and `verified`.
 * Wrong content ends the stream with `failed`; any other failure is thrown, so that the reader tries another origin.
 */
export async function* metainfoStream(
  { store, ingest, pieceHashes, clock }: MetainfoComponents,
  blob: BlobRef,
  options: AbortOptions & { readonly hop: boolean },
): AsyncGenerator<Uint8Array> {
  const length = await ingest.size(blob, options)
  throwIfAborted(options.signal)
  if (length <= INLINE_LIMIT) {
    const stored = await ingest.ensure(blob, options)
    const data = await store.readAt(blob.digest, { start: 0, end: stored.size })
    yield* encodeMetainfo({ header: { ...headerOf(blob.digest, length), data }, hashes: new Uint8Array() })
    return
  }
  let hashes = new Uint8Array()
  const bring = async (): Promise<void> => {
    const stored: StoredBlob = await ingest.ensure(blob, options)
    hashes = new Uint8Array(await pieceHashes.of(stored, options))
  }
  const work = bring()
  // When the reader leaves, this generator ends and nobody awaits the work.
  work.catch(() => undefined)
  yield encodeRecord({ kind: 'header', header: headerOf(blob.digest, length) })
  try {
    yield* heartbeatsUntil(clock, work)
  } catch (err) {
    if (!hasCode(err, 'BACKEND_CORRUPT')) throw err
    yield encodeRecord({ kind: 'failed', code: 'BACKEND_CORRUPT' })
    return
  }
  yield encodePieces(hashes)
  yield encodeRecord({ kind: 'verified' })
}
