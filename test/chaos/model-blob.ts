import { createCipheriv, createHash } from 'node:crypto'
import type { Random } from '../../lib/base/index.ts'
import { type ByteRange, type Digest, parseDigest } from '../../lib/core/index.ts'

const CIPHER_BLOCK = 16
const HASH_STEP = 2 ** 20

/** A blob that nobody keeps: any of its bytes can be made from its name and their offset. */
export interface ModelBlob {
  readonly name: string
  readonly size: number
  readonly digest: Digest
}

/** The bytes of a range: those of `cipherBytes(name)` there. */
export function bytesOf(name: string, { start, end }: ByteRange): Buffer {
  const key = createHash('sha256').update(name).digest()
  const counter = Buffer.alloc(CIPHER_BLOCK)
  counter.writeBigUInt64BE(BigInt(Math.floor(start / CIPHER_BLOCK)), CIPHER_BLOCK / 2)
  const skipped = start % CIPHER_BLOCK
  const made = createCipheriv('aes-256-ctr', key, counter).update(Buffer.alloc(skipped + end - start))
  return made.subarray(skipped)
}

export function modelBlob(name: string, size: number): ModelBlob {
  const hash = createHash('sha256')
  for (let start = 0; start < size; start += HASH_STEP) {
    hash.update(bytesOf(name, { start, end: Math.min(start + HASH_STEP, size) }))
  }
  return { name, size, digest: parseDigest(`sha256:${hash.digest('hex')}`) }
}

/** A number of `[from, to)`. */
export const drawn = (random: Random, from: number, to: number): number =>
  from + Math.floor(random.next() * (to - from))

/** One of the list. @throws when it is empty */
export function oneOf<T>(list: readonly T[], random: Random): T {
  const found = list[drawn(random, 0, list.length)]
  if (found === undefined) throw new Error('nothing to choose from')
  return found
}
