import { Readable } from 'node:stream'
import { type Deferred, deferred } from '../../lib/base/index.ts'
import type { ByteRange } from '../../lib/core/index.ts'
import type { BlobReader } from '../../lib/store/index.ts'

/** A store whose complete blobs can be read only up to its gate, or give wrong bytes. */
export interface GatedStore {
  readonly wrap: <S extends BlobReader>(store: S) => S
  /** Reads up to this offset continue, now and later; other reads wait. Infinity removes the gate. */
  readonly openTo: (offset: number) => void
  /** From now on reads give wrong bytes wherever this function is true. */
  readonly corrupt: (where: (range: ByteRange) => boolean) => void
}

export function gatedStore(initialOffset = Number.POSITIVE_INFINITY): GatedStore {
  let limit = initialOffset
  let wrong: (range: ByteRange) => boolean = () => false
  let waiting: { readonly end: number; readonly opened: Deferred<void> }[] = []
  const pass = (end: number): Promise<void> => {
    if (end <= limit) return Promise.resolve()
    const opened = deferred()
    waiting.push({ end, opened })
    return opened.promise
  }
  async function* released(body: Readable, start: number): AsyncGenerator<Uint8Array> {
    let at = start
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      at += chunk.byteLength
      await pass(at)
      yield chunk
    }
  }
  return {
    wrap: (store) =>
      new Proxy(store, {
        get(target, name) {
          if (name === 'readAt') {
            return async (...[digest, range, into]: Parameters<BlobReader['readAt']>) => {
              await pass(range.end)
              const bytes = await target.readAt(digest, range, into)
              if (wrong(range)) for (const [index, byte] of bytes.entries()) bytes[index] = byte ^ 0xff
              return bytes
            }
          }
          if (name === 'open') {
            return async (...[digest, options = {}]: Parameters<BlobReader['open']>) => {
              const body = await target.open(digest, options)
              return Readable.from(released(body, options.range?.start ?? 0), { objectMode: false })
            }
          }
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? (value as () => unknown).bind(target) : value
        },
      }),
    openTo(offset) {
      limit = offset
      const now = waiting.filter(({ end }) => end <= limit)
      waiting = waiting.filter(({ end }) => end > limit)
      for (const { opened } of now) opened.resolve()
    },
    corrupt(where) {
      wrong = where
    },
  }
}
