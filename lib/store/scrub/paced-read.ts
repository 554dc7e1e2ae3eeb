import { type AbortOptions, type TokenBucket, throwIfAborted } from '../../base/index.ts'
import type { StoredBlob } from '../blob-store.ts'
import type { BlobInspection } from '../upkeep.ts'

/** Small, so that reads for clients come in between. */
const SLICE_BYTES = 256 * 1024

/** The bytes of a stored blob, as fast as `pace` gives tokens. Eviction does not count this read as a use. */
export async function* pacedRead(
  store: Pick<BlobInspection, 'peek'>,
  { digest, size }: Pick<StoredBlob, 'digest' | 'size'>,
  { pace, signal }: AbortOptions & { readonly pace: TokenBucket },
): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < size; start += SLICE_BYTES) {
    throwIfAborted(signal)
    const end = Math.min(size, start + SLICE_BYTES)
    await pace.take(end - start, { signal })
    yield await store.peek(digest, { start, end })
  }
}
