/** A block on its way out: what stands before its payload, and the payload. */
export interface OutgoingBlock {
  readonly head: Uint8Array
  readonly bytes: Uint8Array
  /** It has left, and the bytes may change again. */
  readonly onFlushed: () => void
  /** It will not leave, or not as a whole; the bytes may change. Exactly one of the two is called. */
  readonly onDropped: () => void
}

/** Blocks that wait for the socket. Each lane has its turn, one block at a time, however many another one has waiting. */
export interface BlockTurns {
  add(lane: number, block: OutgoingBlock): void
  next(): { readonly lane: number; readonly block: OutgoingBlock } | undefined
  /** Takes all blocks of a lane out. */
  drop(lane: number): readonly OutgoingBlock[]
}

export function blockTurns(): BlockTurns {
  // A map keeps the order in which its keys came: the first lane has waited longest.
  const waiting = new Map<number, OutgoingBlock[]>()
  return {
    add(lane, block) {
      const queue = waiting.get(lane)
      if (queue === undefined) waiting.set(lane, [block])
      else queue.push(block)
    },
    next() {
      for (const [lane, queue] of waiting) {
        waiting.delete(lane)
        const block = queue.shift()
        if (queue.length > 0) waiting.set(lane, queue)
        if (block !== undefined) return { lane, block }
      }
      return undefined
    },
    drop(lane) {
      const dropped = waiting.get(lane) ?? []
      waiting.delete(lane)
      return dropped
    },
  }
}
