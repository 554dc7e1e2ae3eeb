import { idleMemory } from './idle-memory.ts'
import { type WaitingLine, waitingLine } from './waiting-line.ts'

/**
 * Reuses memory and limits how much is in use at a time. New buffers of one MiB cost page faults and garbage
 * collection, more than moving their bytes. The caller must ask `hasRoom` before it takes a buffer.
 */
export interface BufferPool {
  /** Bytes out now. */
  readonly usedBytes: number
  /** Who waits for memory. The first in line is told when memory comes back. */
  readonly line: WaitingLine
  /** Whether `capacity` more bytes fit within the limit. The first buffer always fits, however large it is. */
  hasRoom(capacity: number): boolean
  /**
   * The buffer is not zeroed. The caller rounds `capacity` up from `length`, so that buffers can replace each other.
   */
  take(length: number, capacity: number): Uint8Array
  /** Call it once for each `take`, when the taker and everybody it gave the buffer to have finished with it. */
  give(buffer: Uint8Array): void
  /**
   * Call it instead of `give` when somebody may still write to the buffer or read it; the garbage collector frees it.
   */
  forsake(buffer: Uint8Array): void
  /** Lets go of all memory that is not in use: nobody will need any for a while. */
  rest(): void
}

/** Calls `onCollected` some time after the memory that it was given has been collected. */
export type CollectionWatch = (memory: object, onCollected: () => void) => void

const watchCollection = (): CollectionWatch => {
  const watched = new FinalizationRegistry<() => void>((onCollected) => onCollected())
  return (memory, onCollected) => watched.register(memory, onCollected)
}

/**
 * Returned buffers are kept while others are in use, since buffers come back in waves; `maxBytes` limits both together.
 * When none is in use, at most `maxIdleBytes` are kept. Other threads can read `shared` memory. V8 does not count shared
 * memory that waits to be collected: so at most `maxBytes` of it exist at a time, what waits included. Beyond that the
 * pool uses a larger buffer when none of the size is left, and else makes memory that is not shared.
 */
export function bufferPool(
  maxBytes: number,
  maxIdleBytes: number,
  shared = false,
  watch: CollectionWatch = watchCollection(),
): BufferPool {
  const idle = idleMemory()
  const line = waitingLine()
  let used = 0
  let sharedBytes = 0

  const mayShare = (capacity: number) => shared && sharedBytes + capacity <= maxBytes

  const fresh = (capacity: number): ArrayBufferLike => {
    idle.trim(Math.max(0, maxBytes - used - capacity))
    if (!mayShare(capacity)) return Buffer.allocUnsafeSlow(capacity).buffer
    sharedBytes += capacity
    const memory = new SharedArrayBuffer(capacity)
    watch(memory, () => {
      sharedBytes -= capacity
    })
    return memory
  }

  return {
    line,
    get usedBytes() {
      return used
    },
    hasRoom: (capacity) => used === 0 || used + capacity <= maxBytes,
    take(length, capacity) {
      const larger = () => (shared && !mayShare(capacity) ? idle.takeLarger(capacity) : undefined)
      const memory = idle.take(capacity) ?? larger() ?? fresh(capacity)
      used += memory.byteLength
      return new Uint8Array(memory, 0, length)
    },
    forsake(buffer) {
      used -= buffer.buffer.byteLength
      line.next()
    },
    give(buffer) {
      const memory = buffer.buffer
      used -= memory.byteLength
      idle.put(memory)
      idle.trim(used > 0 ? Math.max(0, maxBytes - used) : maxIdleBytes)
      line.next()
    },
    rest: () => idle.trim(0),
  }
}
