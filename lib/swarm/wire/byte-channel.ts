import type { PeerAddress } from '../../core/index.ts'

/** Who reads a channel. Called one at a time, never from within a method of the channel. */
export interface ByteReader {
  /** `chunk` is valid only during the call. */
  onBytes(chunk: Uint8Array): void
  /** Once, last of all; `cause` is what broke the connection, undefined when the other side just closed it. */
  onClose(cause: unknown): void
}

/** A connection as the wire needs it: bytes in order, both ways. A TCP socket or its twin in memory. */
export interface ByteChannel {
  /** The address of the other end. */
  readonly remote: PeerAddress
  /** Bytes written and not yet handed to the operating system. */
  readonly pendingBytes: number
  /**
   * Names the reader and resumes. May be called again: the new reader gets what comes from now on,
   * on a channel that has closed only `onClose`, soon.
   */
  read(reader: ByteReader): void
  /** Nothing is delivered from here to `resume`; what has come waits. */
  pause(): void
  resume(): void
  /**
   * Writes of one turn of the event loop leave in one system call. `bytes` must stay as they are until `onFlushed`,
   * which is not called any more once the channel is closed.
   */
  write(bytes: Uint8Array, onFlushed?: () => void): void
  /** Idempotent. The reader's `onClose` follows. */
  destroy(): void
}
