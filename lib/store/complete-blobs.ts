import type { Readable } from 'node:stream'
import { appError } from '../base/index.ts'
import { type ByteRange, type Digest, wholeRange } from '../core/index.ts'
import type { ReadOptions, StoredBlob } from './blob-store.ts'
import { checkedRange } from './checked-range.ts'
import type { Candidate } from './eviction.ts'
import type { KeyedLock } from './keyed-lock.ts'
import type { BlobFiles, FoundBlob } from './medium.ts'
import { rangeStream } from './range-stream.ts'
import type { Space } from './space.ts'

/** The time of use is written down no more often than this for each blob. */
const TOUCH_INTERVAL_MS = 60_000

interface Entry {
  readonly digest: Digest
  readonly size: number
  usedAtMs: number
  savedAtMs: number
  readers: number
}

export interface CompleteBlobs {
  /** Takes over what a start found. */
  restore(found: readonly FoundBlob[]): void
  /**
   * Adds a blob whose bytes are already counted: `promote` puts them in place. When the blob is there already, it wins,
   * `promote` is not called and `added` is false.
   */
  adopt(
    digest: Digest,
    size: number,
    promote: () => Promise<void>,
  ): Promise<{ readonly blob: StoredBlob; readonly added: boolean }>
  stat(digest: Digest): StoredBlob | undefined
  touch(digest: Digest): void
  open(digest: Digest, options?: ReadOptions): Promise<Readable>
  readAt(digest: Digest, range: ByteRange): Promise<Uint8Array>
  list(): readonly StoredBlob[]
  delete(digest: Digest): Promise<void>
  /** Removes it unless somebody has begun to use it. Returns whether it did. */
  evict(digest: Digest): Promise<boolean>
  sidecar(digest: Digest): Promise<Uint8Array | undefined>
  putSidecar(digest: Digest, bytes: Uint8Array): Promise<void>
  /** Blobs that nobody reads or changes at this moment. */
  idle(): readonly Candidate[]
}

export interface CompleteBlobsComponents {
  readonly files: BlobFiles
  readonly locks: KeyedLock
  readonly space: Space
  now(): number
  /** Runs work that nobody waits for. */
  background(name: string, work: () => Promise<void>): void
  /** Called after each change of the number of blobs. */
  changed(count: number): void
}

const snapshot = ({ digest, size, usedAtMs }: Entry): StoredBlob => ({ digest, size, usedAtMs })

export function completeBlobs(components: CompleteBlobsComponents): CompleteBlobs {
  const { files, locks, space } = components
  const entries = new Map<Digest, Entry>()

  const known = (digest: Digest): Entry => {
    const entry = entries.get(digest)
    if (entry === undefined) throw appError('BLOB_UNKNOWN', { detail: { digest } })
    return entry
  }

  const add = (found: FoundBlob): Entry => {
    const entry = { ...found, savedAtMs: found.usedAtMs, readers: 0 }
    entries.set(found.digest, entry)
    components.changed(entries.size)
    return entry
  }

  const touch = (entry: Entry) => {
    entry.usedAtMs = components.now()
    if (entry.usedAtMs - entry.savedAtMs < TOUCH_INTERVAL_MS) return
    entry.savedAtMs = entry.usedAtMs
    components.background('note the use of a blob', () => files.touch(entry.digest, entry.usedAtMs))
  }

  /** Nobody can read it any more once this has begun, and nothing is counted any more once it is over. */
  const remove = async (digest: Digest) => {
    const entry = entries.get(digest)
    if (entry === undefined) return
    entries.delete(digest)
    components.changed(entries.size)
    await files.remove(digest)
    space.release(entry.size)
  }

  const unused = (entry: Entry) => entry.readers === 0 && !locks.busy(entry.digest)

  return {
    restore(found) {
      entries.clear()
      for (const blob of found) {
        add(blob)
        space.adopt(blob.size)
      }
    },
    adopt: (digest, size, promote) =>
      locks.run(digest, async () => {
        const existing = entries.get(digest)
        if (existing !== undefined) {
          touch(existing)
          return { blob: snapshot(existing), added: false }
        }
        await promote()
        return { blob: snapshot(add({ digest, size, usedAtMs: components.now() })), added: true }
      }),
    stat(digest) {
      const entry = entries.get(digest)
      return entry === undefined ? undefined : snapshot(entry)
    },
    touch(digest) {
      const entry = entries.get(digest)
      if (entry !== undefined) touch(entry)
    },
    async open(digest, options = {}) {
      const entry = known(digest)
      const range = checkedRange(options.range ?? wholeRange(entry.size), entry.size)
      touch(entry)
      entry.readers += 1
      try {
        const handle = await files.open(digest)
        return rangeStream(() => Promise.resolve(handle), range, {
          signal: options.signal,
          onClose: () => {
            entry.readers -= 1
          },
        })
      } catch (err) {
        entry.readers -= 1
        throw err
      }
    },
    async readAt(digest, range) {
      const entry = known(digest)
      checkedRange(range, entry.size)
      touch(entry)
      entry.readers += 1
      try {
        return await files.readAt(digest, range)
      } finally {
        entry.readers -= 1
      }
    },
    list: () => [...entries.values()].map(snapshot),
    delete: (digest) => locks.run(digest, () => remove(digest)),
    async evict(digest) {
      const entry = entries.get(digest)
      if (entry === undefined || !unused(entry)) return false
      await locks.run(digest, () => remove(digest))
      return true
    },
    async sidecar(digest) {
      return entries.has(digest) ? files.sidecar(digest) : undefined
    },
    putSidecar: (digest, bytes) =>
      locks.run(digest, async () => {
        known(digest)
        await files.putSidecar(digest, bytes)
      }),
    idle: () =>
      [...entries.values()]
        .filter(unused)
        .map((entry) => ({ digest: entry.digest, kind: 'blob', bytes: entry.size, usedAtMs: entry.usedAtMs })),
  }
}
