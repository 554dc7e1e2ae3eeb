/**
 * Memory that is used over and over, under a bound on what is out at once. Fresh buffers of a mebibyte cost page faults
 * and garbage collection, more than the bytes in them cost to move. Who takes looks at the bound first.
 */
export interface BufferPool {
  readonly maxBytes: number
  /** Bytes out now. */
  readonly usedBytes: number
  /** Not zeroed. `capacity` is rounded up from `length` by the taker, so that buffers fit each other. */
  take(length: number, capacity: number): Uint8Array
  /** The taker, and everybody it passed the buffer to, has finished with it. Once for each `take`. */
  give(buffer: Uint8Array): void
  /** In place of `give` when somebody may still write to it or read it: it is left to the garbage collector. */
  forsake(buffer: Uint8Array): void
}

/**
 * What was given back is kept as long as something is out, since buffers come back in waves; `maxBytes` bounds both
 * together. Once nothing is out, `maxIdleBytes` of it stay. `shared` memory can be read by other threads.
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
