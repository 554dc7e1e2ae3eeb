import { createCipheriv, createHash } from 'node:crypto'

/** `length` bytes that look random; the same name gives the same bytes. Fast enough for many megabytes. */
export function cipherBytes(name: string, length: number): Buffer {
  const key = createHash('sha256').update(name).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}
