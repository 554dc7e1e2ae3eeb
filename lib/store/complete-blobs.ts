import type { Readable } from 'node:stream'
import { appError, type KeyedLock, throwIfAborted } from '../base/index.ts'
import { type ByteRange, type Digest, wholeRange } from '../core/index.ts'
import type { CompleteBlobs } from './blob-facets.ts'
import type { ReadOptions, SidecarName, StoredBlob } from './blob-store.ts'
import { checkedRange } from './checked-range.ts'
import type { BlobCandidate } from './eviction.ts'
import type { BlobFiles, FoundBlob, Volume } from './medium.ts'
import { rangeStream } from './range-stream.ts'
import type { Space } from './space.ts'

/** For each blob, the time of use is written to disk at most once in this time. */
const TOUCH_INTERVAL_MS = 60_000

interface Entry {
  readonly digest: Digest
  readonly volume: Volume
  readonly size: number
  usedAtMs: number
  verifiedAtMs: number | undefined
  pinned: boolean
  savedAtMs: number
  readers: number
}

export interface CompleteBlobsComponents {
  readonly files: BlobFiles
  readonly locks: KeyedLock
  readonly space: Space
  readonly now: () => number
  /** Runs work that nobody awaits. */
  readonly background: (name: string, work: () => Promise<void>) => void
  /** Called when the number of blobs or their pinned bytes change. */
  changed(count: number, pinnedBytes: number): void
  /** Called when a blob was removed. */
  gone(digest: Digest): void
}

const snapshot = ({ digest, size, usedAtMs }: Entry): StoredBlob => ({ digest, size, usedAtMs })

class Blobs implements CompleteBlobs {
  readonly #components: CompleteBlobsComponents
  readonly #entries = new Map<Digest, Entry>()
  #pinnedBytes = 0

  constructor(components: CompleteBlobsComponents) {
    this.#components = components
  }

  restore(found: readonly FoundBlob[]) {
    this.#entries.clear()
    this.#pinnedBytes = 0
    for (const blob of found) {
      this.#add(blob)
      this.#components.space.adopt(blob.size)
    }
  }

  adopt(
    { digest, size, volume }: { readonly digest: Digest; readonly size: number; readonly volume: Volume },
    promote: () => Promise<void>,
  ) {
    return this.#components.locks.run(digest, async () => {
      const existing = this.#entries.get(digest)
      if (existing !== undefined) {
        this.#touch(existing)
        return { blob: snapshot(existing), added: false }
      }
      await promote()
      const nowMs = this.#components.now()
      const found = { digest, size, volume, usedAtMs: nowMs, verifiedAtMs: nowMs, pinned: false }
      return { blob: snapshot(this.#add(found)), added: true }
    })
  }

  stat(digest: Digest) {
    const entry = this.#entries.get(digest)
    return entry === undefined ? undefined : snapshot(entry)
  }

  touch(digest: Digest) {
    const entry = this.#entries.get(digest)
    if (entry !== undefined) this.#touch(entry)
  }

  async open(digest: Digest, options: ReadOptions = {}): Promise<Readable> {
    const entry = this.#known(digest)
    const range = checkedRange(options.range ?? wholeRange(entry.size), entry.size)
    this.#touch(entry)
    entry.readers += 1
    const leave = () => {
      entry.readers -= 1
    }
    try {
      const handle = await this.#components.files.open(digest)
      // A stream whose signal has already fired is destroyed before it receives the handle.
      if (options.signal?.aborted === true) await handle.close()
      throwIfAborted(options.signal)
      return rangeStream(() => Promise.resolve(handle), range, { signal: options.signal, onClose: leave })
    } catch (err) {
      leave()
      throw err
    }
  }

  async readAt(digest: Digest, range: ByteRange, into?: Uint8Array): Promise<Uint8Array> {
    this.#touch(this.#known(digest))
    return this.#read(digest, range, into)
  }

  peek(digest: Digest, range: ByteRange): Promise<Uint8Array> {
    return this.#read(digest, range)
  }

  async #read(digest: Digest, range: ByteRange, into?: Uint8Array): Promise<Uint8Array> {
    const entry = this.#known(digest)
    checkedRange(range, entry.size)
    entry.readers += 1
    try {
      return await this.#components.files.readAt(digest, range, into)
    } finally {
      entry.readers -= 1
    }
  }

  list() {
    return [...this.#entries.values()].map(snapshot)
  }

  inspect(digest: Digest) {
    const entry = this.#entries.get(digest)
    if (entry === undefined) return undefined
    const { verifiedAtMs, pinned, volume } = entry
    return { ...snapshot(entry), verifiedAtMs, pinned, volume, inUse: !this.#isIdle(entry) }
  }

  delete(digest: Digest): Promise<void> {
    return this.#components.locks.run(digest, () => this.#remove(digest))
  }

  forget(volume: Volume): void {
    for (const entry of [...this.#entries.values()].filter((each) => each.volume === volume)) {
      this.#entries.delete(entry.digest)
      this.#notePin(entry, false)
      this.#components.space.release(entry.size)
      this.#components.gone(entry.digest)
    }
    this.#changed()
  }

  async evict(digest: Digest, mayGo: () => boolean = () => true): Promise<boolean> {
    const entry = this.#entries.get(digest)
    if (entry === undefined || entry.pinned || !this.#isIdle(entry)) return false
    return this.#components.locks.run(digest, async () => {
      const now = this.#entries.get(digest)
      if (now === undefined || now.pinned || now.readers > 0 || !mayGo()) return false
      await this.#remove(digest)
      return true
    })
  }

  async sidecar(digest: Digest, name: SidecarName): Promise<Uint8Array | undefined> {
    return this.#entries.has(digest) ? this.#components.files.sidecar(digest, name) : undefined
  }

  putSidecar(digest: Digest, name: SidecarName, bytes: Uint8Array): Promise<void> {
    const { locks, files } = this.#components
    return locks.run(digest, async () => {
      const { verifiedAtMs } = this.#known(digest)
      await files.putSidecar(digest, name, bytes)
      if (name === 'label' && verifiedAtMs !== undefined) await files.touch(digest, 'label', verifiedAtMs)
    })
  }

  pin(digest: Digest, pinned: boolean): Promise<void> {
    const { locks, files } = this.#components
    return locks.run(digest, async () => {
      const entry = this.#known(digest)
      if (pinned) await files.putSidecar(digest, 'pin', new Uint8Array(0))
      else await files.dropSidecar(digest, 'pin')
      this.#notePin(entry, pinned)
      this.#changed()
    })
  }

  noteVerified(digest: Digest): Promise<void> {
    const { locks, files, now } = this.#components
    return locks.run(digest, async () => {
      const entry = this.#known(digest)
      entry.verifiedAtMs = now()
      await files.touch(digest, 'label', entry.verifiedAtMs)
    })
  }

  idle(): readonly BlobCandidate[] {
    return [...this.#entries.values()]
      .filter((entry) => !entry.pinned && this.#isIdle(entry))
      .map(({ digest, size, volume, usedAtMs }) => ({ digest, kind: 'blob', volume, bytes: size, usedAtMs }))
  }

  #known(digest: Digest): Entry {
    const entry = this.#entries.get(digest)
    if (entry === undefined) throw appError('BLOB_UNKNOWN', { detail: { digest } })
    return entry
  }

  #notePin(entry: Entry, pinned: boolean) {
    if (entry.pinned !== pinned) this.#pinnedBytes += pinned ? entry.size : -entry.size
    entry.pinned = pinned
  }

  #changed() {
    this.#components.changed(this.#entries.size, this.#pinnedBytes)
  }

  #isIdle(entry: Entry) {
    return entry.readers === 0 && !this.#components.locks.busy(entry.digest)
  }

  #add(found: FoundBlob): Entry {
    const entry = { ...found, savedAtMs: found.usedAtMs, readers: 0 }
    this.#pinnedBytes += found.pinned ? found.size : 0
    this.#entries.set(found.digest, entry)
    this.#changed()
    return entry
  }

  #touch(entry: Entry) {
    const { files, now, background } = this.#components
    entry.usedAtMs = now()
    if (entry.usedAtMs - entry.savedAtMs < TOUCH_INTERVAL_MS) return
    entry.savedAtMs = entry.usedAtMs
    background('note the use of a blob', () => files.touch(entry.digest, 'data', entry.usedAtMs))
  }

  /** Once this has begun, nobody can begin to read the blob; once it is over, nothing of the blob is counted. */
  async #remove(digest: Digest): Promise<void> {
    const entry = this.#entries.get(digest)
    if (entry === undefined) return
    this.#entries.delete(digest)
    this.#notePin(entry, false)
    this.#changed()
    await this.#components.files.remove(digest)
    this.#components.space.release(entry.size)
    this.#components.gone(digest)
  }
}

export function completeBlobs(components: CompleteBlobsComponents): CompleteBlobs {
  return new Blobs(components)
}
