import { Readable } from 'node:stream'
import type { Backend } from '../../lib/backend/index.ts'
import { appError, type Deferred, deferred } from '../../lib/base/index.ts'
import { type ByteRange, wholeRange } from '../../lib/core/index.ts'

/** How often each byte of an object was given out; what was given out before is not forgotten. */
export interface ByteCounts {
  add(range: ByteRange): void
  /** Bytes given out in all. */
  readonly total: number
  /** The fewest and the most times that a byte was given out. */
  between(size: number): { readonly least: number; readonly most: number }
  /** Ranges given out, as they came. */
  readonly ranges: readonly ByteRange[]
}

export function byteCounts(): ByteCounts {
  const ranges: ByteRange[] = []
  return {
    ranges,
    add(range) {
      if (range.end > range.start) ranges.push(range)
    },
    get total() {
      return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
    },
    between(size) {
      const counts = new Uint8Array(size)
      for (const { start, end } of ranges) for (let at = start; at < end; at += 1) counts[at] = (counts[at] ?? 0) + 1
      return { least: counts.reduce((a, b) => Math.min(a, b), 255), most: counts.reduce((a, b) => Math.max(a, b), 0) }
    },
  }
}

/** A backend whose reads are counted byte by byte, held back, or cut. */
export interface WatchedBackend {
  readonly backend: Backend
  readonly counts: ByteCounts
  /** Bodies give bytes up to this offset, now and later; Infinity opens it. */
  openTo(offset: number): void
  /** The next body that passes this offset breaks there. */
  cutAt(offset: number): void
}

const CHUNK_BYTES = 64 * 1024

export function watchedBackend(inner: Backend): WatchedBackend {
  const counts = byteCounts()
  let limit = Number.POSITIVE_INFINITY
  let opened: Deferred<void> = deferred()
  let cut = Number.POSITIVE_INFINITY

  async function* watched(body: Readable, start: number): AsyncGenerator<Uint8Array> {
    let at = start
    for await (const whole of body as AsyncIterable<Uint8Array>) {
      for (let from = 0; from < whole.length; ) {
        while (at >= limit) await opened.promise
        const chunk = whole.subarray(from, from + Math.min(CHUNK_BYTES, limit - at, Math.max(0, cut - at)))
        if (chunk.length === 0) {
          cut = Number.POSITIVE_INFINITY
          throw appError('BACKEND_UNAVAILABLE', { message: 'cut by the test', detail: { at } })
        }
        counts.add({ start: at, end: at + chunk.length })
        at += chunk.length
        from += chunk.length
        yield chunk
      }
    }
  }

  return {
    counts,
    openTo(offset) {
      limit = offset
      opened.resolve()
      opened = deferred()
    },
    cutAt(offset) {
      cut = offset
    },
    backend: {
      start: () => inner.start(),
      stop: () => inner.stop(),
      stat: (...args) => inner.stat(...args),
      async read(key, options = {}) {
        const object = await inner.read(key, options)
        if (object === undefined) return undefined
        const { start } = options.range ?? wholeRange(object.size)
        const body = Readable.from(watched(object.body, start), { objectMode: false, highWaterMark: CHUNK_BYTES })
        options.signal?.addEventListener('abort', () => body.destroy(appError('ABORTED')), { once: true })
        return { ...object, body }
      },
      write: (...args) => inner.write(...args),
      list: (...args) => inner.list(...args),
      delete: (...args) => inner.delete(...args),
    },
  }
}
