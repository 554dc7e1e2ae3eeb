import { deferred } from '../../base/index.ts'

/**
 * Reads `source` to its end into memory, whether or not anybody takes the chunks, and gives them in order. An error of
 * `source` comes after the chunks before it. To stop the reading, make `source` fail.
 */
export function readAhead(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const chunks: Uint8Array[] = []
  let outcome: { readonly failure?: unknown } | undefined
  let moved = deferred()

  const fill = async () => {
    for await (const chunk of source) {
      chunks.push(chunk)
      moved.resolve()
    }
  }
  const end = (how: { readonly failure?: unknown }) => {
    outcome = how
    moved.resolve()
  }

  async function* given(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = chunks.shift()
      if (chunk !== undefined) yield chunk
      else if (outcome !== undefined) break
      else {
        moved = deferred()
        await moved.promise
      }
    }
    if ('failure' in outcome) throw outcome.failure
  }

  fill().then(
    () => end({}),
    (err: unknown) => end({ failure: err }),
  )
  return given()
}
