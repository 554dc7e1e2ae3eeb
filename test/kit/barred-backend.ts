import type { Backend } from '../../lib/backend/index.ts'
import { abortable, type Deferred, deferred } from '../../lib/base/index.ts'
import { type ByteRange, wholeRange } from '../../lib/core/index.ts'

/** A backend whose reads are listed, and wait while they are barred. */
export interface BarredBackend {
  readonly backend: Backend
  /** The ranges of all reads in the order in which they were asked for; those that are barred wait there. */
  readonly asked: readonly ByteRange[]
  /** Until the next call, reads for which this is true wait before their first byte. */
  bar(isBarred: (range: ByteRange) => boolean): void
}

export function barredBackend(inner: Backend): BarredBackend {
  const asked: ByteRange[] = []
  let barred: (range: ByteRange) => boolean = () => false
  let moved: Deferred<void> = deferred()
  return {
    asked,
    bar(isBarred) {
      barred = isBarred
      moved.resolve()
      moved = deferred()
    },
    backend: {
      start: () => inner.start(),
      stop: () => inner.stop(),
      stat: (...args) => inner.stat(...args),
      async read(key, options = {}) {
        const range = options.range ?? wholeRange((await inner.stat(key))?.size ?? 0)
        asked.push(range)
        while (barred(range)) await abortable(moved.promise, options.signal)
        return inner.read(key, options)
      },
      write: (...args) => inner.write(...args),
      list: (...args) => inner.list(...args),
      delete: (...args) => inner.delete(...args),
    },
  }
}
