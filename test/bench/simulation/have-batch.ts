/** New pieces that all peers are told of together. */
export interface HaveBatch {
  readonly sentMs: number
  readonly pieces: number[]
  /** The peers have been told; a piece that comes later, even in the same moment, needs another batch. */
  told: boolean
}
