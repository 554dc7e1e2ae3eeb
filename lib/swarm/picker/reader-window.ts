/** What the window in front of a reader depends on; each value undefined while it is unknown. */
export interface WindowPace {
  /** Bytes per second that the reader takes while it need not wait. */
  readonly takeBytesPerSecond: number | undefined
  /** Bytes per second of the blob that come in. */
  readonly arrivalBytesPerSecond: number | undefined
  /** How long a piece takes from its first request until it is here. */
  readonly pieceMs: number | undefined
}

export interface WindowLimits {
  readonly minWindowBytes: number
  readonly maxWindowBytes: number
}

/** The window covers so many times what the reader takes while a piece comes. */
const PIECE_TIMES = 2

/**
 * How many bytes in front of a reader are asked for before those further away: twice what the reader
 * takes until a piece that is asked for now has come. What lies further away can still be asked for in time, so there the rarest piece
 * is better. A reader takes no more than what comes in.
 */
export function windowBytes(pace: WindowPace, limits: WindowLimits): number {
  const { takeBytesPerSecond, arrivalBytesPerSecond, pieceMs } = pace
  if (arrivalBytesPerSecond === undefined || pieceMs === undefined) return limits.minWindowBytes
  const rate = Math.min(takeBytesPerSecond ?? Number.POSITIVE_INFINITY, arrivalBytesPerSecond)
  const wanted = (PIECE_TIMES * rate * pieceMs) / 1000
  return Math.round(Math.min(limits.maxWindowBytes, Math.max(limits.minWindowBytes, wanted)))
}
