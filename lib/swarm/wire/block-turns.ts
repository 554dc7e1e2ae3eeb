import { weightedTurns } from '../../base/index.ts'
import { classWeights, type PullClass, pullClasses } from '../../core/index.ts'

/** A block on its way out: what stands before its payload, and the payload. */
export interface OutgoingBlock {
  readonly head: Uint8Array
  readonly bytes: Uint8Array
  /** At which it was asked for. */
  readonly pullClass: PullClass
  /** It has left, and the bytes may change again. */
  readonly onFlushed: () => void
  /** It will not leave, or not as a whole; the bytes may change. Exactly one of the two is called. */
  readonly onDropped: () => void
}

/**
 * Blocks that wait for the socket. Each class gets turns by its weight; of one class each lane has its turn, one block at a
 * time, however many another one has waiting.
 */
export interface BlockTurns {
  add(lane: number, block: OutgoingBlock): void
  next(): { readonly lane: number; readonly block: OutgoingBlock } | undefined
  /** Takes all blocks of a lane out. */
  drop(lane: number): readonly OutgoingBlock[]
}

/** The lanes of one class. A map keeps the order in which its keys came: the first lane has waited longest. */
type Round = Map<number, OutgoingBlock[]>

const isAny = (round: Round) => round.size > 0

export function blockTurns(): BlockTurns {
  const rounds: Record<PullClass, Round> = { high: new Map(), normal: new Map(), low: new Map() }
  const turns = weightedTurns<Round>()
  for (const each of pullClasses) turns.add(rounds[each], classWeights[each])
  return {
    add(lane, block) {
      const round = rounds[block.pullClass]
      const queue = round.get(lane)
      if (queue === undefined) round.set(lane, [block])
      else queue.push(block)
    },
    next() {
      const round = turns.next(isAny)
      if (round === undefined) return undefined
      for (const [lane, queue] of round) {
        round.delete(lane)
        const block = queue.shift()
        if (queue.length > 0) round.set(lane, queue)
        if (block === undefined) continue
        turns.took(round, block.bytes.length)
        return { lane, block }
      }
      return undefined
    },
    drop(lane) {
      return pullClasses.flatMap((each) => {
        const dropped = rounds[each].get(lane) ?? []
        rounds[each].delete(lane)
        return dropped
      })
    },
  }
}
