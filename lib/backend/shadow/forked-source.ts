import { PassThrough, type Readable } from 'node:stream'
import { deferred } from '../../base/index.ts'

/** One stream for two writes; the second write must not become visible before the first has succeeded. */
export interface ForkedSource {
  readonly first: Readable
  /** Its last bytes are held back until `release` is called. */
  readonly second: Readable
  readonly release: () => void
}

/** Runs at the pace of the slower reader. When one of the two streams, or `source`, is destroyed, so are the others. */
export function forkedSource(source: Readable): ForkedSource {
  const first = new PassThrough()
  const second = new PassThrough()
  const released = deferred()
  const ends = [first, second]
  // A writer listens for the stream's errors only when it reads the stream.
  for (const end of ends) end.on('error', () => undefined)

  const pump = async () => {
    let held: Uint8Array | undefined
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      if (chunk.length === 0) continue
      await Promise.all([given(first, chunk), held === undefined ? undefined : given(second, held)])
      held = chunk
    }
    first.end()
    await released.promise
    second.end(held)
  }
  pump().catch((err: unknown) => {
    for (const end of ends) end.destroy(err as Error)
    source.destroy()
  })
  return { first, second, release: () => released.resolve() }
}

/** Resolves when the stream has room for more. */
function given(to: PassThrough, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(chunk, (err) => (err ? reject(err) : resolve()))
  })
}
