import { Readable } from 'node:stream'
import { type AbortOptions, abortController, abortsWith } from '../../base/index.ts'

/**
 * A stream of the chunks from `start`, which is called at the first read. The signal given to `start` fires when the
 * stream is destroyed, when it has ended or when the caller aborts.
 */
export function objectBody(
  start: (signal: AbortSignal) => AsyncIterator<Uint8Array>,
  { signal }: AbortOptions,
): Readable {
  const stop = abortController()
  let chunks: AsyncIterator<Uint8Array> | undefined
  const readOn = async () => {
    chunks ??= start(stop.signal)
    const next = await chunks.next()
    body.push(next.done === true ? null : next.value)
  }
  const body = new Readable({
    read() {
      readOn().catch((err: unknown) => body.destroy(err as Error))
    },
    destroy(err, done) {
      stop.abort(err ?? undefined)
      done(err)
    },
  })
  abortsWith(body, signal)
  return body
}
