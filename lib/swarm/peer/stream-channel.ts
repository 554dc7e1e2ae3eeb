import type { Duplex } from 'node:stream'
import type { PeerAddress } from '../../core/index.ts'
import type { ByteChannel, ByteReader } from '../wire/index.ts'

/** A channel over a stream. */
export interface StreamChannel extends ByteChannel {
  /** For streams that deliver their bytes outside of `data` events. */
  deliver(chunk: Uint8Array): void
  readonly paused: boolean
}

/**
 * Wraps a stream; it is paused until it is read. When the other side ends its half, both halves end, because the
 * protocol has no use for a half-closed connection.
 */
export function streamChannel(stream: Duplex, remote: PeerAddress): StreamChannel {
  return new DuplexChannel(stream, remote)
}

class DuplexChannel implements StreamChannel {
  readonly remote: PeerAddress
  readonly #stream: Duplex
  #reader: ByteReader | undefined
  #listening = false
  #corked = false
  #closed = false
  #cause: unknown
  paused = true

  constructor(stream: Duplex, remote: PeerAddress) {
    this.remote = remote
    this.#stream = stream
    stream.pause()
    stream.on('error', (err) => {
      this.#cause ??= err
    })
    stream.once('end', () => stream.destroy())
    stream.once('close', () => {
      this.#closed = true
      this.#reader?.onClose(this.#cause)
    })
  }

  get pendingBytes(): number {
    return this.#stream.writableLength
  }

  deliver(chunk: Uint8Array): void {
    if (!this.#closed) this.#reader?.onBytes(chunk)
  }

  read(reader: ByteReader): void {
    this.#reader = reader
    if (this.#closed) {
      queueMicrotask(() => reader.onClose(this.#cause))
      return
    }
    if (!this.#listening) {
      this.#listening = true
      this.#stream.on('data', (chunk: Uint8Array) => this.deliver(chunk))
    }
    this.resume()
  }

  pause(): void {
    this.paused = true
    this.#stream.pause()
  }

  resume(): void {
    this.paused = false
    this.#stream.resume()
  }

  write(bytes: Uint8Array, onFlushed?: () => void): void {
    if (this.#stream.destroyed) return
    if (!this.#corked) {
      this.#corked = true
      this.#stream.cork()
      process.nextTick(() => {
        this.#corked = false
        this.#stream.uncork()
      })
    }
    if (onFlushed === undefined) this.#stream.write(bytes)
    else {
      this.#stream.write(bytes, (err) => {
        if (err === undefined || err === null) onFlushed()
      })
    }
  }

  destroy(): void {
    this.#stream.destroy()
  }
}
