import { appError } from '../../../base/index.ts'

export interface SlabsInit {
  readonly count: number
  /** A power of two times `leastBytes`. */
  readonly slabBytes: number
  /** The smallest part. */
  readonly leastBytes: number
}

/**
 * Which parts of a region are in use. The region consists of slabs, and a slab is cut in halves again and again until a
 * part is as small as is asked for; halves that are both free become one again. So parts of different sizes use the same
 * memory in turn. Parts are named by the offset at which they begin. What was used last is used again first, and a new
 * slab only when no other has room: so only as much of the region is touched as was needed at one time.
 */
export interface Slabs {
  readonly freeBytes: number
  /** The size of the part that holds so many bytes. @throws UNKNOWN when none does */
  partFor(bytes: number): number
  /** Whether a part of this size is free. */
  fits(size: number): boolean
  /** Takes a part of this size. @throws UNKNOWN when none is free */
  take(size: number): number
  /** @throws UNKNOWN when no part that is out begins there */
  give(offset: number): void
}

const refuse = (message: string) => appError('UNKNOWN', { message })

export function slabs({ count, slabBytes, leastBytes }: SlabsInit): Slabs {
  /** Offsets of free parts by size, small sizes first; of each size the one that came last is at the end. */
  const free = new Map<number, number[]>()
  for (let size = leastBytes; size <= slabBytes; size *= 2) free.set(size, [])
  for (let slab = count - 1; slab >= 0; slab -= 1) free.get(slabBytes)?.push(slab * slabBytes)
  /** Sizes of the parts that are out, by offset. */
  const out = new Map<number, number>()
  let freeBytes = count * slabBytes

  const pop = (least: number) => {
    for (const [size, offsets] of free) {
      const offset = size < least ? undefined : offsets.pop()
      if (offset !== undefined) return { offset, size }
    }
    throw refuse('no part is free')
  }

  /** The part, together with its free neighbours. */
  const joined = (part: { readonly offset: number; readonly size: number }) => {
    let { offset, size } = part
    while (size < slabBytes) {
      const isFirst = offset % (2 * size) === 0
      const other = isFirst ? offset + size : offset - size
      const same = free.get(size) ?? []
      const at = same.lastIndexOf(other)
      if (at < 0) break
      same.splice(at, 1)
      offset = Math.min(offset, other)
      size *= 2
    }
    return { offset, size }
  }

  return {
    get freeBytes() {
      return freeBytes
    },
    partFor(bytes) {
      for (const size of free.keys()) if (size >= bytes) return size
      throw refuse('no part is so large')
    },
    fits(least) {
      for (const [size, offsets] of free) if (size >= least && offsets.length > 0) return true
      return false
    },
    take(size) {
      const found = pop(size)
      for (let half = found.size / 2; half >= size; half /= 2) free.get(half)?.push(found.offset + half)
      out.set(found.offset, size)
      freeBytes -= size
      return found.offset
    },
    give(offset) {
      const size = out.get(offset)
      if (size === undefined) throw refuse('this part is not out')
      out.delete(offset)
      freeBytes += size
      const part = joined({ offset, size })
      free.get(part.size)?.push(part.offset)
    },
  }
}
