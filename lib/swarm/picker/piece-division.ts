import { type Shares, shares } from './shares.ts'

/**
 * Divides the pieces of a blob among its origins without any message: every origin that knows the same origins comes to
 * the same result, and when one comes or goes, only its own pieces move.
 */
export interface PieceDivision {
  /** Says who the origins are; true when that has changed. */
  among(origins: readonly string[]): boolean
  isOwn(piece: number): boolean
}

/** `self` is the id of this origin; it may be any text. */
export function pieceDivision(self: string, pieces: number): PieceDivision {
  const own = drawOf(self)
  let known = ''
  let split: Shares | undefined
  return {
    among(origins) {
      const draws = origins.map(drawOf).sort()
      if (draws.join() === known) return false
      known = draws.join()
      split = draws.length === 0 ? undefined : shares(draws, pieces)
      return true
    },
    isOwn: (piece) => split === undefined || split.ownerOf(piece) === own,
  }
}

/** 32 bits of an id as hex characters, the form in which `shares` takes its members (FNV-1a). */
function drawOf(id: string): string {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(id)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash.toString(16).padStart(8, '0')
}
