import { appError } from '../../base/index.ts'
import { EXTENDED, encodeExtended } from './messages.ts'

/** Pieces in one message; each takes at most five bytes, so that a message stays below the longest extended one. */
export const MAX_HAVES = 2_048

const invalid = () => appError('WIRE_FRAME_INVALID', { message: 'a list of pieces is wrong' })

/**
 * A whole message that stands for many `have`: the indexes in ascending order, each as the distance to the one before
 * (the first to -1), less one, in groups of seven bits, lowest first. `pieces` are 1 to `MAX_HAVES` different indexes.
 */
export function encodeHaves(pieces: readonly number[]): Uint8Array {
  const bytes: number[] = []
  let last = -1
  for (const piece of [...pieces].sort((a, b) => a - b)) {
    let gap = piece - last - 1
    last = piece
    for (; gap > 127; gap = Math.floor(gap / 128)) bytes.push((gap % 128) + 128)
    bytes.push(gap)
  }
  return encodeExtended(EXTENDED.haves, Uint8Array.from(bytes))
}

/** The indexes, ascending; `payload` is what follows the id. @throws WIRE_FRAME_INVALID */
export function readHaves(payload: Uint8Array): readonly number[] {
  const pieces: number[] = []
  let last = -1
  let gap = 0
  let weight = 1
  for (const byte of payload) {
    gap += (byte & 127) * weight
    weight *= 128
    if (byte >= 128) {
      if (weight > 2 ** 28) throw invalid()
      continue
    }
    last += gap + 1
    if (last > 0xffff_ffff || pieces.length >= MAX_HAVES) throw invalid()
    pieces.push(last)
    gap = 0
    weight = 1
  }
  if (pieces.length === 0 || weight !== 1) throw invalid()
  return pieces
}
