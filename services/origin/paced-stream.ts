import { pipeline, type Readable, Transform } from 'node:stream'
import { type AbortOptions, type TokenBucket, toAppError } from '../../lib/base/index.ts'

/**
 * `body`, no faster than `pace` gives tokens. Without a limit it is `body` itself; else `body` and the result end with
 * each other, whichever ends first.
 */
export function pacedStream(body: Readable, pace: TokenBucket, { signal }: AbortOptions): Readable {
  if (pace.available === Number.POSITIVE_INFINITY) return body
  const paced = new Transform({
    // What waits for its turn is one chunk, and what was let through goes on at once.
    highWaterMark: 0,
    transform(chunk: Uint8Array, _, done) {
      pace.take(chunk.length, { signal }).then(
        () => done(null, chunk),
        (err: unknown) => done(toAppError(err, 'ABORTED')),
      )
    },
  })
  // Who reads the result sees the error.
  return pipeline(body, paced, () => undefined)
}
