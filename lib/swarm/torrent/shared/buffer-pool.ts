import { idleMemory } from './idle-memory.ts'

/** Reuses memory: new buffers cost page faults and garbage collection, more than moving their bytes. */
export interface BufferPool {
  /** Bytes out now. */
  readonly usedBytes: number
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

/**
 * Returned buffers are kept while others are in use, since buffers come back in waves; `maxBytes` limits both together,
 * as long as the taker keeps to it. When none is in use, at most `maxIdleBytes` are kept.
 */
export function bufferPool(maxBytes: number, maxIdleBytes: number): BufferPool {
  const idle = idleMemory()
  let used = 0

  const fresh = (capacity: number): ArrayBufferLike => {
    idle.trim(Math.max(0, maxBytes - used - capacity))
    return Buffer.allocUnsafeSlow(capacity).buffer
  }

  return {
    get usedBytes() {
      return used
    },
    take(length, capacity) {
      const memory = idle.take(capacity) ?? fresh(capacity)
      used += memory.byteLength
      return new Uint8Array(memory, 0, length)
    },
    forsake(buffer) {
      used -= buffer.buffer.byteLength
    },
    give(buffer) {
      const memory = buffer.buffer
      used -= memory.byteLength
      idle.put(memory)
      idle.trim(used > 0 ? Math.max(0, maxBytes - used) : maxIdleBytes)
    },
    rest: () => idle.trim(0),
  }
}
