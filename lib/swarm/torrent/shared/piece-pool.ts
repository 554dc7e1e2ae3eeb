import { slabs } from './slabs.ts'
import { type WaitingLine, waitingLine } from './waiting-line.ts'

/**
 * The memory of all pieces, under way or warm. Other threads can read it. Who finds no room waits: there is no other
 * memory for pieces.
 */
export interface PiecePool {
  /** Bytes of the parts that are out. */
  readonly usedBytes: number
  /** Who waits for memory. The first in line is told when memory comes back. */
  readonly line: WaitingLine
  /** Whether a piece of `capacity` bytes has room. What is kept in vain may lose its place, to join what is free. */
  hasRoom(capacity: number): boolean
  /** The same for who cannot go on without it: all that is only kept may lose its place for it. */
  claimRoom(capacity: number): boolean
  /**
   * Memory for a piece of `length` bytes, not zeroed. `capacity` is the length of a usual piece, which is what it counts
   * for. @throws UNKNOWN when there is no room
   */
  take(length: number, capacity: number): Uint8Array
  /**
   * Call it once for each `take`, when the taker and everybody it gave the bytes to have finished with them.
   * @throws UNKNOWN when these bytes are not out
   */
  give(bytes: Uint8Array): void
  /** Lets go of the memory, for when none of it is out: nobody will need any for a while. */
  rest(): void
}

export interface PiecePoolInit {
  readonly maxBytes: number
  /** Gives back one piece that is only kept; false when there is none. */
  readonly spare: () => boolean
}

const SLAB_BYTES = 1024 * 1024
/** The shortest piece length of the protocol. */
const LEAST_BYTES = 256 * 1024

/**
 * One region of shared memory, made when the first piece needs it. It is so large that the C library maps it by itself:
 * it takes no memory before it is touched, and all of it goes back to the system when it is collected, which smaller
 * pieces of memory do not. A region that was let go of is used again until it is collected, and it is not collected while
 * a part of it is out; so parts that are out are always of one region.
 */
function region(bytes: number) {
  let memory: SharedArrayBuffer | undefined
  let last: WeakRef<SharedArrayBuffer> | undefined
  const make = () => {
    const made = new SharedArrayBuffer(bytes)
    last = new WeakRef(made)
    return made
  }
  return {
    get memory(): SharedArrayBuffer {
      memory ??= last?.deref() ?? make()
      return memory
    },
    letGo() {
      memory = undefined
    },
  }
}

/** There is room for at least one piece of any length, even if `maxBytes` is less. */
export function piecePool({ maxBytes, spare }: PiecePoolInit): PiecePool {
  const count = Math.max(1, Math.floor(maxBytes / SLAB_BYTES))
  const parts = slabs({ count, slabBytes: SLAB_BYTES, leastBytes: LEAST_BYTES })
  const all = region(count * SLAB_BYTES)
  const line = waitingLine()

  return {
    line,
    get usedBytes() {
      return count * SLAB_BYTES - parts.freeBytes
    },
    hasRoom(capacity) {
      const size = parts.partFor(capacity)
      while (!parts.fits(size)) if (parts.freeBytes < size || !spare()) return false
      return true
    },
    claimRoom(capacity) {
      const size = parts.partFor(capacity)
      while (!parts.fits(size)) if (!spare()) return false
      return true
    },
    take(length, capacity) {
      return new Uint8Array(all.memory, parts.take(parts.partFor(capacity)), length)
    },
    give(bytes) {
      parts.give(bytes.byteOffset)
      line.next()
    },
    rest: () => all.letGo(),
  }
}
