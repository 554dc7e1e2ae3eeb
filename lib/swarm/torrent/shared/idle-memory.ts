/** Memory of several sizes that nobody uses now. */
export function idleMemory() {
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
