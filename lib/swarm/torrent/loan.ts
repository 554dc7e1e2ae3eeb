/**
 * Bytes in memory that belongs to somebody else and does not change until they are given back. `release` is called once,
 * when nothing reads them any more, a socket included.
 */
export interface Loan {
  readonly bytes: Uint8Array
  readonly release: () => void
}
