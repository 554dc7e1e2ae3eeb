import { type WaitingLine, waitingLine } from './waiting-line.ts'

/**
 * Memory that is used over and over, under a bound on what is out at once. Fresh buffers of a mebibyte cost page faults
 * and garbage collection, more than the bytes in them cost to move. Who takes asks `hasRoom` first.
 */
export interface BufferPool {
  /** Bytes out now. */
  readonly usedBytes: number
  /** Who waits for room; told when memory comes back. */
  readonly line: WaitingLine
  /** So much more can be out within the bound. A first buffer always can, however large it is. */
  hasRoom(capacity: number): boolean
  /** Not zeroed. `capacity` is rounded up from `length` by the taker, so that buffers fit each other. */
  take(length: number, capacity: number): Uint8Array
  /** The taker, and everybody it passed the buffer to, has finished with it. Once for each `take`. */
  give(buffer: Uint8Array): void
  /** In place of `give` when somebody may still write to it or read it: it is left to the garbage collector. */
  forsake(buffer: Uint8Array): void
}

/** Memory of several sizes that nobody uses now. */
function idleMemory() {
  const bySize = new Map<number, ArrayBufferLike[]>()
  let bytes = 0

  const take = (size: number): ArrayBufferLike | undefined => {
    const memory = bySize.get(size)?.pop()
    if (memory !== undefined) bytes -= size
    return memory
  }

  const drop = (bound: number, mayGo: (memory: ArrayBufferLike) => boolean) => {
    for (const [size, same] of bySize) {
      for (let at = same.length - 1; at >= 0 && bytes > bound; at -= 1) {
        const memory = same[at]
        if (memory === undefined || !mayGo(memory)) continue
        same.splice(at, 1)
        bytes -= size
      }
    }
  }

  return {
    take,
    takeLarger(size: number): ArrayBufferLike | undefined {
      const larger = [...bySize].filter(([other, same]) => other > size && same.length > 0)
      return larger.length === 0 ? undefined : take(Math.min(...larger.map(([other]) => other)))
    },
    put(memory: ArrayBufferLike) {
      const size = memory.byteLength
      bytes += size
      const same = bySize.get(size)
      if (same === undefined) bySize.set(size, [memory])
      else same.push(memory)
    },
    /** Shared memory goes last: what is let go of is not made again. */
    trim(bound: number) {
      drop(bound, (memory) => !(memory instanceof SharedArrayBuffer))
      drop(bound, () => true)
    },
  }
}

/**
 * What was given back is kept as long as something is out, since buffers come back in waves; `maxBytes` bounds both
 * together. Once nothing is out, `maxIdleBytes` of it stay. `shared` memory can be read by other threads, and V8 does not
 * see how much of it waits to be collected: so the pool makes no more than `maxBytes` of it in its life, uses a larger
 * buffer where none fits, and makes memory of the other kind when it has used that up.
 */
export function bufferPool(maxBytes: number, maxIdleBytes: number, shared = false): BufferPool {
  const idle = idleMemory()
  const line = waitingLine()
  let used = 0
  let sharedBytes = 0

  const mayShare = (capacity: number) => shared && sharedBytes + capacity <= maxBytes

  const fresh = (capacity: number): ArrayBufferLike => {
    idle.trim(Math.max(0, maxBytes - used - capacity))
    if (!mayShare(capacity)) return Buffer.allocUnsafeSlow(capacity).buffer
    sharedBytes += capacity
    return new SharedArrayBuffer(capacity)
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
  }
}
