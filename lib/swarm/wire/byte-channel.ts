import type { PeerAddress } from '../../core/index.ts'

/** The reader of a channel. Called one at a time, never from within a method of the channel. */
export interface ByteReader {
  /** `chunk` is valid only during the call. */
  onBytes(chunk: Uint8Array): void
  /**
   * Called once, as the last event; `cause` is the error that broke the connection, undefined when the other side
   * closed it.
   */
  onClose(cause: unknown): void
}

/** A connection as the wire needs it: bytes in order, in both directions. A TCP socket or its in-memory twin. */
export interface ByteChannel {
  /** The address of the other end. */
  readonly remote: PeerAddress
  /** Bytes that were written and not yet passed to the operating system. */
  readonly pendingBytes: number
  /**
   * Sets the reader and resumes. It may be called again: the new reader gets what comes from now on. On a closed
   * channel the reader only gets `onClose`, soon.
   */
  read(reader: ByteReader): void
  /** Delivers nothing until `resume`; arriving bytes wait. */
  pause(): void
  resume(): void
  /**
   * All writes of one turn of the event loop are sent with one system call. `bytes` must not change until `onFlushed`,
   * which is not called after the channel is closed.
   */
  write(bytes: Uint8Array, onFlushed?: () => void): void
  /** Idempotent. Afterwards the reader gets `onClose`. */
  destroy(): void
}
