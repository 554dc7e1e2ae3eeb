import { Readable } from 'node:stream'
import type { Backend } from '../../lib/backend/index.ts'
import { abortable, appError, type Deferred, deferred } from '../../lib/base/index.ts'
import { wholeRange } from '../../lib/core/index.ts'
import { type ByteCounts, byteCounts } from './byte-counts.ts'

/** A backend whose reads are counted byte by byte; a test can hold them back or cut them. */
export interface WatchedBackend {
  readonly backend: Backend
  readonly counts: ByteCounts
  /** Bodies give bytes up to this offset, now and later; Infinity removes the limit. */
  openTo(offset: number): void
  /** Calls of `stat` wait until `until` resolves. */
  lookAfter(until: Promise<void>): void
  /** The next body that passes this offset breaks there. */
  cutAt(offset: number): void
}

const CHUNK_BYTES = 64 * 1024

export function watchedBackend(inner: Backend): WatchedBackend {
  const counts = byteCounts()
  let limit = Number.POSITIVE_INFINITY
  let opened: Deferred<void> = deferred()
  let looking = Promise.resolve()
  let cut = Number.POSITIVE_INFINITY

  async function* watched(body: Readable, start: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    let at = start
    for await (const whole of body as AsyncIterable<Uint8Array>) {
      for (let from = 0; from < whole.length; ) {
        while (at >= limit) await abortable(opened.promise, signal)
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
    lookAfter(until) {
      looking = until
    },
    cutAt(offset) {
      cut = offset
    },
    backend: {
      start: () => inner.start(),
      stop: () => inner.stop(),
      async stat(...args) {
        await looking
        return inner.stat(...args)
      },
      async read(key, options = {}) {
        const object = await inner.read(key, options)
        if (object === undefined) return undefined
        const { start } = options.range ?? wholeRange(object.size)
        const body = watched(object.body, start, options.signal)
        return { ...object, body: Readable.from(body, { objectMode: false, highWaterMark: CHUNK_BYTES }) }
      },
      write: (...args) => inner.write(...args),
      list: (...args) => inner.list(...args),
      delete: (...args) => inner.delete(...args),
    },
  }
}
