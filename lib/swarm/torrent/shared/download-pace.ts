/** What is measured of a download; each value undefined while it is unknown. */
export interface DownloadPace {
  /** How long a block usually takes from its request on. */
  readonly usualMs: number | undefined
  /** How long a piece takes from its first request to the last byte. */
  readonly pieceMs: number | undefined
  /** What comes in from peers while something is asked of them. */
  readonly bytesPerSecond: number | undefined
}
