import { createHash, type Hash } from 'node:crypto'
import { type AbortOptions, appError, throwIfAborted } from '../base/index.ts'
import {
  type ByteRange,
  type Digest,
  type DigestAlgorithm,
  digestAlgorithm,
  digestFromHex,
  wholeRange,
} from '../core/index.ts'
import { type Batch, batches } from './batches.ts'
import type { StoredBlob, Upload } from './blob-store.ts'
import { checkedRange } from './checked-range.ts'
import type { CompleteBlobs } from './complete-blobs.ts'
import type { FoundUpload, ReadHandle, UploadFiles, UploadHandle } from './medium.ts'
import { rangeStream, SLICE_BYTES } from './range-stream.ts'
import type { Space } from './space.ts'

export interface UploadSession extends Upload {
  /** Milliseconds since the epoch of the last use. */
  readonly usedAtMs: number
  /** While bytes come in or are hashed. */
  readonly busy: boolean
  /** Ends a running append with ABORTED and waits for it; what came stays. */
  interrupt(): Promise<void>
}

export interface UploadComponents {
  readonly files: UploadFiles
  readonly space: Space
  readonly blobs: CompleteBlobs
  now(): number
  /** Called once, when it has become a blob or was removed. */
  ended(id: string): void
}

/** Feeds the first `size` bytes of an open file to a fresh hash. */
async function hashOf(handle: ReadHandle, size: number, algorithm: DigestAlgorithm): Promise<Hash> {
  const hash = createHash(algorithm)
  for (let start = 0; start < size; start += SLICE_BYTES) {
    hash.update(await handle.read({ start, end: Math.min(size, start + SLICE_BYTES) }))
  }
  return hash
}

/** One upload. The hash state is not kept on disk: after a restart the bytes are read again before the next use. */
export function uploadSession(components: UploadComponents, found: FoundUpload): UploadSession {
  const { files, space, blobs } = components
  const { id } = found
  let size = found.size
  let usedAtMs = found.usedAtMs
  let sha256: Hash | undefined = size === 0 ? createHash('sha256') : undefined
  let running: Promise<unknown> | undefined
  let interruption = new AbortController()
  let ended = false
  let published = false
  let removal: Promise<void> | undefined

  /** One at a time: an append, a commit, a digest. */
  const alone = async <T>(work: (handle: UploadHandle) => Promise<T>): Promise<T> => {
    if (ended) throw appError('BLOB_UPLOAD_UNKNOWN')
    if (running !== undefined) throw appError('UPLOAD_CONFLICT')
    usedAtMs = components.now()
    const turn = files.open(id).then(async (handle) => {
      try {
        return await work(handle)
      } finally {
        await handle.close()
      }
    })
    running = turn.catch(() => undefined)
    try {
      return await turn
    } finally {
      running = undefined
      usedAtMs = components.now()
    }
  }

  /** Writes one batch while hashing it; a failed write leaves `size` where it was and forgets the hash. */
  const take = async (handle: UploadHandle, batch: Batch) => {
    const position = size
    const writing = space.write(batch.bytes, () => handle.write(batch.chunks, position))
    writing.catch(() => undefined)
    for (const chunk of batch.chunks) sha256?.update(chunk)
    try {
      await writing
      size = position + batch.bytes
    } catch (err) {
      sha256 = undefined
      throw err
    }
  }

  const receive = async (handle: UploadHandle, source: AsyncIterable<Uint8Array>, signal: AbortSignal) => {
    sha256 ??= await hashOf(handle, size, 'sha256')
    let writing = Promise.resolve()
    try {
      for await (const batch of batches(source, { signal })) {
        await writing
        writing = take(handle, batch)
        writing.catch(() => undefined)
      }
    } finally {
      try {
        await writing
      } finally {
        await handle.settle(size, components.now())
      }
    }
  }

  const digestNow = async (handle: ReadHandle, algorithm: DigestAlgorithm): Promise<Digest> => {
    if (algorithm !== 'sha256') return digestFromHex(algorithm, (await hashOf(handle, size, algorithm)).digest('hex'))
    sha256 ??= await hashOf(handle, size, 'sha256')
    return digestFromHex('sha256', sha256.copy().digest('hex'))
  }

  const remove = async () => {
    await files.remove(id)
    space.release(size)
    components.ended(id)
  }

  const publish = async (digest: Digest): Promise<StoredBlob> => {
    const { blob, added } = await blobs.adopt(digest, size, () => files.promote(id, digest, components.now()))
    ended = true
    published = true
    if (added) components.ended(id)
    else await remove()
    return blob
  }

  const interrupt = async () => {
    interruption.abort()
    await running
    interruption = new AbortController()
  }

  return {
    id,
    get size() {
      return size
    },
    get usedAtMs() {
      return usedAtMs
    },
    get busy() {
      return running !== undefined
    },
    async append(source, options: AbortOptions & { readonly offset: number }) {
      throwIfAborted(options.signal)
      if (ended) throw appError('BLOB_UPLOAD_UNKNOWN')
      if (running === undefined && options.offset !== size) throw appError('UPLOAD_OFFSET', { detail: { size } })
      const outer = options.signal === undefined ? [] : [options.signal]
      const signal = AbortSignal.any([interruption.signal, ...outer])
      await alone((handle) => receive(handle, source, signal))
    },
    digest: (algorithm) => alone((handle) => digestNow(handle, algorithm)),
    read(options = {}) {
      const range: ByteRange = checkedRange(options.range ?? wholeRange(size), size)
      return rangeStream(() => files.open(id), range, options)
    },
    commit: (digest) =>
      alone(async (handle) => {
        const actual = await digestNow(handle, digestAlgorithm(digest))
        if (actual !== digest) throw appError('DIGEST_INVALID', { detail: { expected: digest, actual } })
        return publish(digest)
      }),
    async abort() {
      if (ended && removal === undefined) return
      ended = true
      removal ??= interrupt().then(async () => {
        if (!published) await remove()
      })
      await removal
    },
    interrupt,
  }
}
