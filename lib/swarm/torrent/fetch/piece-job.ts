import type { PieceMemory } from '../shared/piece-memory.ts'
import type { WasteReason } from '../shared/swarm-meters.ts'

/** The name of the owner when a piece comes over HTTP. */
export const HTTP = 'http'

/** One request on its way. */
export interface Ask {
  /** Undefined while the request waits for the download rate limit. */
  askedMs: number | undefined
  /** Nobody waits for it any more; if its bytes come all the same, they count as `waste`. */
  withdraw(waste: WasteReason): void
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

/** One piece being fetched: its memory and what of it is here. */
export interface PieceJob {
  readonly piece: number
  readonly memory: PieceMemory
  readonly blocks: readonly BlockState[]
  /** By the engine's wheel. */
  readonly startedMs: number
  /** Bytes of it that are here. */
  arrivedBytes: number
  /** The peer that gives its blocks first; undefined after it left or failed. */
  owner: string | undefined
  /** What comes for it over HTTP waits for the node's own download rate. */
  held: boolean
  /** It was right, and is being stored. */
  storing: boolean
  /** Every block must come from the owner: a bad piece is fetched again from one peer, to find out who lied. */
  readonly whole: boolean
}

/** A piece with every byte received, and nothing can write into it any more. */
export interface SealedPiece {
  readonly job: PieceJob
  readonly bytes: Uint8Array
}

export interface PieceJobInit {
  readonly piece: number
  /** As long as the piece. */
  readonly memory: PieceMemory
  readonly blockLength: number
  readonly owner: string
  readonly whole: boolean
  readonly nowMs: number
}

export function pieceJob(init: PieceJobInit): PieceJob {
  const { memory } = init
  const size = memory.length
  const blocks: BlockState[] = []
  for (let offset = 0; offset < size; offset += init.blockLength) {
    const length = Math.min(init.blockLength, size - offset)
    blocks.push({ offset, length, givenBy: undefined, asks: new Map() })
  }
  const { piece, nowMs: startedMs, owner, whole } = init
  return { piece, memory, blocks, startedMs, arrivedBytes: 0, owner, held: false, storing: false, whole }
}

/** Every block is here. */
export function isFilled(job: PieceJob): boolean {
  return job.blocks.every((block) => block.givenBy !== undefined)
}

/** Neither received nor requested. */
export function isUnasked(block: BlockState): boolean {
  return block.givenBy === undefined && block.asks.size === 0
}

/** Something of it waits for the node's own download rate: so far nobody else is late with it. */
export function isHeld(job: PieceJob): boolean {
  for (const { asks } of job.blocks) for (const { askedMs } of asks.values()) if (askedMs === undefined) return true
  return job.held
}

/** Who gave at least one block. */
export function giversOf(job: PieceJob): ReadonlySet<string> {
  const givers = new Set<string>()
  for (const block of job.blocks) if (block.givenBy !== undefined) givers.add(block.givenBy)
  return givers
}
