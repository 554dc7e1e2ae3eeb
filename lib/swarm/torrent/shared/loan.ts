/**
 * Borrowed bytes: the memory belongs to somebody else and does not change until it is given back. Call `release` once,
 * when nothing, not even a socket, reads the bytes any more.
 */
export interface Loan {
  readonly bytes: Uint8Array
  readonly release: () => void
}
