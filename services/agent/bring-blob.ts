import { finished } from 'node:stream/promises'
import { type AbortOptions, appError, type Clock, hasCode, type Random, retry } from '../../lib/base/index.ts'
import { type BlobRef, URL_REGISTRY, wholeRange } from '../../lib/core/index.ts'
import type { BlobReader, StoredBlob } from '../../lib/store/index.ts'
import type { Pulls } from './pulls.ts'

/** Who reads a blob has its last byte a moment before the store has the whole of it: looks at most for a minute. */
const STORED = { attempts: 120, baseMs: 10, maxMs: 1_000 }

export interface BringBlobComponents {
  readonly store: Pick<BlobReader, 'stat'>
  readonly pulls: Pick<Pulls, 'find'>
  readonly clock: Clock
  readonly random: Random
}

export interface BringOptions extends AbortOptions {
  /** Told of bytes as they arrive, if the blob is not here yet. */
  readonly onBytes?: (bytes: number) => void
}

/**
 * Pulls a blob into the cache, if it is not there, and returns when it is there.
 * @throws STORE_FULL when it found no place there, and what a pull throws
 */
export type BringBlob = (blob: BlobRef, options?: BringOptions) => Promise<StoredBlob>

export function bringBlob({ store, pulls, ...components }: BringBlobComponents): BringBlob {
  const stored = async ({ digest }: BlobRef): Promise<StoredBlob> => {
    const found = await store.stat(digest)
    if (found !== undefined) return found
    throw appError('STORE_FULL', { message: 'the blob came, and found no place in the cache', detail: { digest } })
  }
  return async (blob, { onBytes, signal } = {}) => {
    const here = await store.stat(blob.digest)
    if (here !== undefined) return here
    // What lies under a URL is linked by nobody: the origins bring it only for those who may have it.
    const proven = blob.repository.registry === URL_REGISTRY
    // Nobody waits for it: it leaves more to those who do.
    const pull = await pulls.find(blob, { signal, kind: 'tool', proven, terms: { pullClass: 'low' } })
    try {
      const body = await pull.open(wholeRange(pull.size), { signal, transient: true, priority: 'prefetch' })
      // Nobody wants the bytes here: what arrives is kept.
      body.on('data', (chunk: Uint8Array) => onBytes?.(chunk.byteLength))
      try {
        await finished(body, { signal })
      } finally {
        body.destroy()
      }
      return await retry(components, STORED, () => stored(blob), { signal, again: (err) => hasCode(err, 'STORE_FULL') })
    } finally {
      pull.close()
    }
  }
}
