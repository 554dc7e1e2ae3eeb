/** One request on its way. `scratch` is set when another request of the same block writes into the piece itself. */
export interface Ask {
  /** Undefined while it waits for its turn at the download rate. */
  askedMs: number | undefined
  readonly controller: AbortController
  readonly scratch: Uint8Array | undefined
}

/** One block of a piece under way: not asked for, asked of one or more peers, or here. */
export interface BlockState {
  readonly offset: number
  readonly length: number
  /** Who gave it; undefined until it is here. */
  givenBy: string | undefined
  /** Open requests by peer. */
  readonly asks: Map<string, Ask>
}

/** One piece being fetched: its buffer and what of it is here. */
export interface PieceJob {
  readonly piece: number
  readonly buffer: Uint8Array
  readonly blocks: readonly BlockState[]
  readonly startedMs: number
  /** The peer that gives its blocks first; undefined after it left or failed. */
  owner: string | undefined
  /** Every block from the owner: a bad piece is fetched again whole, to find who lied. */
  readonly whole: boolean
}

export interface PieceJobInit {
  readonly piece: number
  /** As long as the piece; not zeroed: every byte is written before the piece is hashed. */
  readonly buffer: Uint8Array
  readonly blockLength: number
  readonly owner: string
  readonly whole: boolean
  readonly nowMs: number
}

export function pieceJob(init: PieceJobInit): PieceJob {
  const { buffer } = init
  const size = buffer.length
  const blocks: BlockState[] = []
  for (let offset = 0; offset < size; offset += init.blockLength) {
    const length = Math.min(init.blockLength, size - offset)
    blocks.push({ offset, length, givenBy: undefined, asks: new Map() })
  }
  return { piece: init.piece, buffer, blocks, startedMs: init.nowMs, owner: init.owner, whole: init.whole }
}

/** Every block is here. */
export function isFilled(job: PieceJob): boolean {
  return job.blocks.every((block) => block.givenBy !== undefined)
}

/** Neither here nor asked for. */
export function isUnasked(block: BlockState): boolean {
  return block.givenBy === undefined && block.asks.size === 0
}

/** Who gave at least one block. */
export function giversOf(job: PieceJob): ReadonlySet<string> {
  const givers = new Set<string>()
  for (const block of job.blocks) if (block.givenBy !== undefined) givers.add(block.givenBy)
  return givers
}
