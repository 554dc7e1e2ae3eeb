import { createCipheriv, createHash } from 'node:crypto'

const chunkBytes = 1 << 20

/**
 * `sizeBytes` bytes that look random and depend only on `seed`: AES in counter mode applied to zeros. They cannot be
 * compressed and are made about as fast as memory, so that large layers cost a test almost no time.
 */
export function* randomChunks(seed: string | number, sizeBytes: number): Generator<Buffer> {
  const key = createHash('sha256').update(String(seed)).digest()
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(chunkBytes)
  for (let left = sizeBytes; left > 0; left -= chunkBytes) {
    yield cipher.update(left < chunkBytes ? zeros.subarray(0, left) : zeros)
  }
}
