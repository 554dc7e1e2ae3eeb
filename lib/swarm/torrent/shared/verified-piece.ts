/** A piece whose hash was right. `free` gives its memory back; to be called once, when the bytes are no longer read. */
export interface VerifiedPiece {
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
  readonly free: () => void
}
