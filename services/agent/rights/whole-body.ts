import { createHash } from 'node:crypto'
import { pipeline, type Readable, Transform } from 'node:stream'
import { appError } from '../../../lib/base/index.ts'
import { type Digest, digestAlgorithm, digestFromHex, releasedLength } from '../../../lib/core/index.ts'

/** A blob as somebody else sends it. */
export interface SentBlob {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly body: Readable
}

/**
 * The same bytes, of which the last ones come only when the digest is found right; else the stream fails with
 * BACKEND_CORRUPT. Destroying it destroys `body`.
 */
export function wholeBody({ digest, size, body }: SentBlob): Readable {
  const algorithm = digestAlgorithm(digest)
  const hash = createHash(algorithm)
  const free = releasedLength(size, false)
  let held: Uint8Array[] = []
  let at = 0
  const out = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk)
      const split = Math.min(chunk.length, Math.max(0, free - at))
      at += chunk.length
      if (split < chunk.length) held.push(chunk.subarray(split))
      done(null, split === 0 ? undefined : chunk.subarray(0, split))
    },
    flush(done) {
      const isRight = digestFromHex(algorithm, hash.digest('hex')) === digest
      for (const part of isRight ? held : []) out.push(part)
      held = []
      done(isRight ? null : appError('BACKEND_CORRUPT', { detail: { digest } }))
    },
  })
  // Whoever reads it sees its error.
  return pipeline(body, out, () => undefined)
}
