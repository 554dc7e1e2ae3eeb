import { hasCode } from '../base/index.ts'
import { type Digest, type DigestAlgorithm, digestFromHex, type LengthBounds } from '../core/index.ts'
import { type BlobHasher, type BlobHashes, blobHasher, type Hashing } from '../metainfo/index.ts'
import type { ReadHandle } from './medium.ts'

/**
 * The hashes of an upload. They advance as its bytes come, off the event loop where `Hashing` has a thread, so that no
 * byte is read again. The state is in memory only: after a restart, after a failed write and after a digest was asked,
 * it is made anew from the file when it is needed. Only one call at a time, but for `update`.
 */
export class UploadHashes {
  readonly #hashing: Hashing
  #hasher: BlobHasher | undefined
  /** What the hasher gave at its end, and the digests of other algorithms, for the bytes that are here now. */
  #ended: BlobHashes | undefined
  readonly #others = new Map<DigestAlgorithm, Digest>()

  constructor(hashing: Hashing, size: number) {
    this.#hashing = hashing
    if (size === 0) this.#hasher = blobHasher(hashing.digester)
  }

  /** Call it before more bytes come to the `size` bytes of `file`. */
  async resume(file: ReadHandle, size: number, bounds: Partial<LengthBounds>): Promise<void> {
    this.#hasher ??= await this.#readAgain(file, size)
    this.#ended = undefined
    this.#others.clear()
    this.#hasher.expect(bounds)
  }

  /** Takes the next bytes, which must not change until it resolves. Never rejects. */
  async update(bytes: Uint8Array): Promise<void> {
    // When the thread has ended with its state, the end of the hasher tells so.
    await this.#hasher?.update(bytes).catch(() => undefined)
  }

  /** Forgets everything. */
  drop(): void {
    this.#hasher?.close()
    this.#hasher = undefined
    this.#ended = undefined
    this.#others.clear()
  }

  /** The digest of the `size` bytes of `file`. */
  async digest(file: ReadHandle, size: number, algorithm: DigestAlgorithm): Promise<Digest> {
    if (algorithm === 'sha256') return digestFromHex(algorithm, (await this.#end(file, size)).sha256)
    const known = this.#others.get(algorithm)
    if (known !== undefined) return known
    const digest = await insist(async () => {
      const running = this.#hashing.digester.running(algorithm)
      await this.#eachBlock(file, size, (bytes) => running.update(bytes)).catch((err: unknown) => {
        running.close()
        throw err
      })
      return digestFromHex(algorithm, await running.end())
    })
    this.#others.set(algorithm, digest)
    return digest
  }

  /** The hashes of the pieces of a blob with these bytes; undefined when nobody hashed pieces of its length. */
  async pieces(file: ReadHandle, size: number): Promise<Uint8Array | undefined> {
    return (await this.#end(file, size)).pieces
  }

  async #end(file: ReadHandle, size: number): Promise<BlobHashes> {
    this.#ended ??= await insist(async () => {
      const hasher = this.#hasher ?? (await this.#readAgain(file, size))
      this.#hasher = undefined
      return hasher.end()
    })
    return this.#ended
  }

  #readAgain(file: ReadHandle, size: number): Promise<BlobHasher> {
    return insist(async () => {
      const hasher = blobHasher(this.#hashing.digester)
      await this.#eachBlock(file, size, (bytes) => hasher.update(bytes)).catch((err: unknown) => {
        hasher.close()
        throw err
      })
      return hasher
    })
  }

  async #eachBlock(file: ReadHandle, size: number, use: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    const { blocks } = this.#hashing
    const block = blocks.take()
    try {
      for (let start = 0; start < size; start += block.length) {
        const end = Math.min(size, start + block.length)
        await use(await file.read({ start, end }, block.subarray(0, end - start)))
      }
    } finally {
      blocks.give(block)
    }
  }
}

/** Does `work` once more when the thread with its state has ended meanwhile: then the bytes are hashed without it. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (err) {
    if (!hasCode(err, 'UNAVAILABLE')) throw err
    return work()
  }
}
