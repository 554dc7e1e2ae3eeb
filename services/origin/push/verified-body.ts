import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { appError } from '../../../lib/base/index.ts'
import { type Digest, digestAlgorithm, digestHex } from '../../../lib/core/index.ts'

async function* checked(body: Readable, digest: Digest): AsyncGenerator<Uint8Array> {
  const hash = createHash(digestAlgorithm(digest))
  let last: Uint8Array | undefined
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (last !== undefined) yield last
    hash.update(chunk)
    last = chunk
  }
  if (hash.digest('hex') !== digestHex(digest)) throw appError('STORE_CORRUPT', { detail: { digest } })
  if (last !== undefined) yield last
}

/**
 * The bytes of `body`; the last chunk is given only when all bytes together have the digest. So a reader that demands
 * the full length never accepts wrong bytes: the stream fails with STORE_CORRUPT. Destroying it destroys `body`.
 */
export function verifiedBody(body: Readable, digest: Digest): Readable {
  const verified = Readable.from(checked(body, digest), { objectMode: false })
  // A stream that is destroyed before its first read never enters the generator.
  verified.once('close', () => body.destroy())
  return verified
}
