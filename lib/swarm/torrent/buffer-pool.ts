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

/** Up to `maxIdleBytes` of what was given back is kept. */
export function bufferPool(maxBytes: number, maxIdleBytes: number): BufferPool {
  const idle = new Map<number, ArrayBuffer[]>()
  let used = 0
  let idleBytes = 0

  const fromIdle = (capacity: number): ArrayBuffer | undefined => {
    const memory = idle.get(capacity)?.pop()
    if (memory !== undefined) idleBytes -= capacity
    return memory
  }

  return {
    maxBytes,
    get usedBytes() {
      return used
    },
    take(length, capacity) {
      used += capacity
      const memory = fromIdle(capacity) ?? Buffer.allocUnsafeSlow(capacity).buffer
      return new Uint8Array(memory, 0, length)
    },
    forsake(buffer) {
      used -= buffer.buffer.byteLength
    },
    give(buffer) {
      const memory = buffer.buffer as ArrayBuffer
      used -= memory.byteLength
      if (idleBytes + memory.byteLength > maxIdleBytes) return
      idleBytes += memory.byteLength
      const same = idle.get(memory.byteLength)
      if (same === undefined) idle.set(memory.byteLength, [memory])
      else same.push(memory)
    },
  }
}
