import { PieceMap } from '../../core/index.ts'
import type { SwarmHeader } from './extension-handshake.ts'
import type { BlockTarget } from './frame-reader.ts'
import { type LengthRule, lengthRules, type WireBlock } from './messages.ts'

/** Who reads the messages of one lane, which are whole and have lengths that `rules` allows. */
export interface LaneReader {
  readonly rules: (id: number) => LengthRule
  take(id: number, body: Uint8Array): void
  takeExtended(id: number, payload: Uint8Array): void
  takeBlockStart(block: WireBlock): BlockTarget
  takeBlockEnd(target: BlockTarget): void
}

/** Reads what was on its way to a lane that has ended here, and forgets it. */
export function laneDrain({ length, pieceLength }: SwarmHeader): LaneReader {
  const nothing = () => undefined
  return {
    rules: lengthRules(new PieceMap(length, pieceLength).count),
    take: nothing,
    takeExtended: nothing,
    takeBlockStart: () => ({ into: undefined }),
    takeBlockEnd: nothing,
  }
}
