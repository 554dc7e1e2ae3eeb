import { appError, type KeyedLock } from '../base/index.ts'
import type { Digest, PieceMap } from '../core/index.ts'
import type { HeldPartial, PartialBlob } from './blob-store.ts'
import type { BlobCandidate } from './eviction.ts'
import type { Leases } from './leases.ts'
import { type ManagedPartial, managedPartial, type PartialComponents } from './managed-partial.ts'
import type { FoundPartial, PartialFiles, Volume } from './medium.ts'

export interface PartialTable {
  restore(found: readonly FoundPartial[]): void
  /** Opens or creates a partial. One with other piece geometry is removed first, and its users get STORE_CORRUPT. */
  open(digest: Digest, map: PieceMap): Promise<PartialBlob>
  list(): readonly HeldPartial[]
  /** Partials that nobody uses now. */
  idle(): readonly BlobCandidate[]
  /** Removes the partial unless somebody has begun to use it. Returns whether it was removed. */
  evict(digest: Digest): Promise<boolean>
  /** Ends all partials on a lost volume. */
  forget(volume: Volume): Promise<void>
  /** Saves what a later start should know about the open partials. */
  save(): Promise<void>
}

export interface PartialTableComponents extends Omit<PartialComponents, 'lease' | 'ended'> {
  readonly files: PartialFiles
  readonly choose: (digest: Digest) => Volume
  readonly locks: KeyedLock
  readonly leases: Leases
  /** Called when a partial was removed. */
  gone(digest: Digest): void
}

const sameMap = (a: PieceMap, b: PieceMap) => a.length === b.length && a.pieceLength === b.pieceLength

const lockOf = (digest: Digest) => `partial ${digest}`

const otherGeometry = (digest: Digest) =>
  appError('STORE_CORRUPT', {
    message: 'the partial blob is replaced by one with another length or piece length',
    detail: { digest },
  })

class Partials implements PartialTable {
  readonly #components: PartialTableComponents
  readonly #inUse = new Map<Digest, ManagedPartial>()
  /** Partials from an earlier run that nobody has opened yet. */
  readonly #left = new Map<Digest, FoundPartial>()

  constructor(components: PartialTableComponents) {
    this.#components = components
  }

  restore(found: readonly FoundPartial[]) {
    this.#inUse.clear()
    this.#left.clear()
    for (const partial of found) {
      this.#left.set(partial.digest, partial)
      this.#components.space.adopt(partial.bytes)
    }
  }

  open(digest: Digest, map: PieceMap): Promise<PartialBlob> {
    return this.#components.locks.run(lockOf(digest), async () => {
      const partial = this.#inUse.get(digest)
      if (partial !== undefined && partial.ending === undefined && sameMap(partial.map, map)) return partial
      await (partial?.ending ?? partial?.discard(otherGeometry(digest)))
      return this.#begin(digest, map)
    })
  }

  list() {
    return [...this.#left.values(), ...this.#inUse.values()]
      .toSorted((a, b) => a.usedAtMs - b.usedAtMs)
      .map(({ digest, map, bytes }) => ({ digest, map, bytes }))
  }

  idle(): readonly BlobCandidate[] {
    const left = [...this.#left.values()].filter(({ digest }) => !this.#components.locks.busy(lockOf(digest)))
    const inUse = [...this.#inUse.values()].filter((partial) => partial.idle)
    return [...left, ...inUse].map(({ digest, volume, bytes, usedAtMs }) => ({
      ...{ digest, volume, bytes, usedAtMs },
      kind: 'partial',
    }))
  }

  async evict(digest: Digest): Promise<boolean> {
    const { locks } = this.#components
    const found = this.#left.get(digest)
    if (found !== undefined) {
      if (locks.busy(lockOf(digest))) return false
      await locks.run(lockOf(digest), () => this.#removeLeft(found))
      return true
    }
    const partial = this.#inUse.get(digest)
    if (partial?.idle !== true) return false
    await partial.discard(appError('STORE_FULL', { message: 'the partial blob was evicted to make room' }))
    return true
  }

  async forget(volume: Volume): Promise<void> {
    for (const found of [...this.#left.values()].filter((each) => each.volume === volume)) {
      this.#left.delete(found.digest)
      this.#components.space.release(found.bytes)
      this.#components.gone(found.digest)
    }
    const lost = [...this.#inUse.values()].filter((each) => each.volume === volume)
    await Promise.all(
      lost.map((partial) =>
        partial.discard(appError('STORE_CORRUPT', { message: 'the volume of the partial blob is lost' })),
      ),
    )
  }

  async save(): Promise<void> {
    await Promise.all([...this.#inUse.values()].map((partial) => partial.save()))
  }

  async #removeLeft(found: FoundPartial): Promise<void> {
    this.#left.delete(found.digest)
    await this.#components.files.remove(found.digest)
    this.#components.space.release(found.bytes)
    this.#components.gone(found.digest)
  }

  async #begin(digest: Digest, map: PieceMap): Promise<ManagedPartial> {
    const { files, space, leases, choose, now } = this.#components
    const other = this.#left.get(digest)
    if (other !== undefined && !sameMap(other.map, map)) await this.#removeLeft(other)
    const found = this.#left.get(digest)
    const volume = found?.volume ?? choose(digest)
    const file = await space.write(0, volume, () => files.open(digest, map, volume))
    const lease = () => leases.take(digest)
    const ended: PartialComponents['ended'] = (how) => {
      this.#inUse.delete(digest)
      if (how === 'removed') this.#components.gone(digest)
    }
    const components = { ...this.#components, lease, ended }
    const partial = managedPartial(components, { digest, map, volume, file, usedAtMs: found?.usedAtMs ?? now() })
    // Stops counting pieces that were dropped because they cannot be trusted.
    space.adopt(partial.bytes - (found?.bytes ?? 0))
    this.#left.delete(digest)
    this.#inUse.set(digest, partial)
    return partial
  }
}

/** All partial blobs of a store. */
export function partialTable(components: PartialTableComponents): PartialTable {
  return new Partials(components)
}
