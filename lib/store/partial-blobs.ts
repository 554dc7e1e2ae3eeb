import { appError } from '../base/index.ts'
import type { Digest, PieceMap } from '../core/index.ts'
import type { PartialBlob } from './blob-store.ts'
import type { Candidate } from './eviction.ts'
import type { KeyedLock } from './keyed-lock.ts'
import type { Leases } from './leases.ts'
import { type ManagedPartial, managedPartial, type PartialComponents } from './managed-partial.ts'
import type { FoundPartial, PartialFiles } from './medium.ts'

export interface PartialBlobs {
  restore(found: readonly FoundPartial[]): void
  /** @throws STORE_CORRUPT when one of another geometry is there; it is removed */
  open(digest: Digest, map: PieceMap): Promise<PartialBlob>
  list(): readonly { readonly digest: Digest; readonly map: PieceMap }[]
  /** Those that nobody uses at this moment. */
  idle(): readonly Candidate[]
  /** Removes it unless somebody has begun to use it. Returns whether it did. */
  evict(digest: Digest): Promise<boolean>
}

export interface PartialBlobsComponents extends Omit<PartialComponents, 'lease' | 'ended'> {
  readonly files: PartialFiles
  readonly locks: KeyedLock
  readonly leases: Leases
}

const sameMap = (a: PieceMap, b: PieceMap) => a.length === b.length && a.pieceLength === b.pieceLength

/** All partial blobs of a store: those in use, and those that an earlier run left and nobody has asked for yet. */
export function partialBlobs(components: PartialBlobsComponents): PartialBlobs {
  const { files, space, locks, leases } = components
  const inUse = new Map<Digest, ManagedPartial>()
  const left = new Map<Digest, FoundPartial>()

  const removeLeft = async (found: FoundPartial) => {
    left.delete(found.digest)
    await files.remove(found.digest)
    space.release(found.bytes)
  }

  const refuseOther = (digest: Digest) =>
    appError('STORE_CORRUPT', {
      message: 'a partial blob of another length or piece length was there; it is removed',
      detail: { digest },
    })

  const begin = async (digest: Digest, map: PieceMap): Promise<ManagedPartial> => {
    const found = left.get(digest)
    if (found !== undefined && !sameMap(found.map, map)) {
      await removeLeft(found)
      throw refuseOther(digest)
    }
    const file = await space.write(0, () => files.open(digest, map))
    const partial = managedPartial(
      {
        ...components,
        lease: () => leases.take(digest),
        ended: () => void inUse.delete(digest),
      },
      { digest, map, file, usedAtMs: components.now() },
    )
    // Pieces that could not be trusted any more are no longer counted.
    space.adopt(partial.bytes - (found?.bytes ?? 0))
    left.delete(digest)
    inUse.set(digest, partial)
    return partial
  }

  const reuse = async (partial: ManagedPartial, map: PieceMap): Promise<PartialBlob | undefined> => {
    if (partial.ending !== undefined) {
      await partial.ending
      return undefined
    }
    if (sameMap(partial.map, map)) return partial
    const refusal = refuseOther(partial.digest)
    await partial.discard(refusal)
    throw refusal
  }

  return {
    restore(found) {
      inUse.clear()
      left.clear()
      for (const partial of found) {
        left.set(partial.digest, partial)
        space.adopt(partial.bytes)
      }
    },
    open: (digest, map) =>
      locks.run(`partial ${digest}`, async () => {
        const partial = inUse.get(digest)
        const reused = partial === undefined ? undefined : await reuse(partial, map)
        return reused ?? begin(digest, map)
      }),
    list: () => [...left.values(), ...inUse.values()].map(({ digest, map }) => ({ digest, map })),
    idle() {
      const waiting = [...left.values()].filter(({ digest }) => !locks.busy(`partial ${digest}`))
      const open = [...inUse.values()].filter((partial) => partial.idle)
      return [...waiting, ...open].map(({ digest, bytes, usedAtMs }) => ({ digest, kind: 'partial', bytes, usedAtMs }))
    },
    async evict(digest) {
      const found = left.get(digest)
      if (found !== undefined) {
        if (locks.busy(`partial ${digest}`)) return false
        await locks.run(`partial ${digest}`, () => removeLeft(found))
        return true
      }
      const partial = inUse.get(digest)
      if (partial?.idle !== true) return false
      await partial.discard(appError('STORE_FULL', { message: 'the partial blob was evicted to make room' }))
      return true
    },
  }
}
