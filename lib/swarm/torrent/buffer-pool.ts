/**
 * Reuses memory and limits how much is in use at a time. New buffers of one MiB cost page faults and garbage
 * collection, more than moving their bytes. The caller must check the limit before it takes a buffer.
 */
export interface BufferPool {
  readonly maxBytes: number
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
}

/**
 * Returned buffers are kept while others are in use, since buffers come back in waves; `maxBytes` limits both together.
 * When none is in use, at most `maxIdleBytes` are kept. Other threads can read `shared` memory.
 */
export function bufferPool(maxBytes: number, maxIdleBytes: number, shared = false): BufferPool {
  const idle = new Map<number, ArrayBufferLike[]>()
  let used = 0
  let idleBytes = 0

  const fromIdle = (capacity: number): ArrayBufferLike | undefined => {
    const memory = idle.get(capacity)?.pop()
    if (memory !== undefined) idleBytes -= capacity
    return memory
  }

  const fresh = (capacity: number): ArrayBufferLike =>
    shared ? new SharedArrayBuffer(capacity) : Buffer.allocUnsafeSlow(capacity).buffer

  const trim = (bound: number) => {
    for (const [capacity, same] of idle) {
      while (idleBytes > bound && same.pop() !== undefined) idleBytes -= capacity
    }
  }

  return {
    maxBytes,
    get usedBytes() {
      return used
    },
    take(length, capacity) {
      used += capacity
      const memory = fromIdle(capacity) ?? fresh(capacity)
      return new Uint8Array(memory, 0, length)
    },
    forsake(buffer) {
      used -= buffer.buffer.byteLength
    },
    give(buffer) {
      const memory = buffer.buffer
      used -= memory.byteLength
      idleBytes += memory.byteLength
      const same = idle.get(memory.byteLength)
      if (same === undefined) idle.set(memory.byteLength, [memory])
      else same.push(memory)
      trim(used > 0 ? maxBytes - used : maxIdleBytes)
    },
  }
}
