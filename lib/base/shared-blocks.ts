/**
 * Memory for bytes on their way from a socket to a disk: blocks of one size that other threads can read, used again and
 * again. A new block costs page faults, and V8 does not see shared memory that waits to be collected: so no more than
 * `maxShared` blocks are ever made, and none of them is let go of. Who comes when all are out gets memory that is not
 * shared, as `Buffer` gives it.
 */
export interface SharedBlocks {
  /** Bytes of each block. */
  readonly blockBytes: number
  /** A block with any content. Call `give` once nobody reads or writes it any more. */
  take(): Uint8Array
  give(block: Uint8Array): void
}

export function sharedBlocks(init: { readonly blockBytes: number; readonly maxShared: number }): SharedBlocks {
  const { blockBytes, maxShared } = init
  const shared = new Set<Uint8Array>()
  const idle: Uint8Array[] = []

  const fresh = (): Uint8Array => {
    if (shared.size === maxShared) return Buffer.allocUnsafeSlow(blockBytes)
    const block = new Uint8Array(new SharedArrayBuffer(blockBytes))
    shared.add(block)
    return block
  }

  return {
    blockBytes,
    take: () => idle.pop() ?? fresh(),
    give(block) {
      if (shared.has(block)) idle.push(block)
    },
  }
}
