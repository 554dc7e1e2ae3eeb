/** Memory of several sizes that nobody uses now. */
export function idleMemory() {
  const bySize = new Map<number, ArrayBufferLike[]>()
  let bytes = 0

  return {
    take(size: number): ArrayBufferLike | undefined {
      const memory = bySize.get(size)?.pop()
      if (memory !== undefined) bytes -= size
      return memory
    },
    put(memory: ArrayBufferLike) {
      const size = memory.byteLength
      bytes += size
      const same = bySize.get(size)
      if (same === undefined) bySize.set(size, [memory])
      else same.push(memory)
    },
    trim(bound: number) {
      for (const [size, same] of bySize) {
        while (bytes > bound && same.pop() !== undefined) bytes -= size
      }
    },
  }
}
