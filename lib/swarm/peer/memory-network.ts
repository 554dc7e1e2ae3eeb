import { Duplex } from 'node:stream'
import { appError, throwIfAborted } from '../../base/index.ts'
import type { PeerAddress } from '../../core/index.ts'
import type { ByteChannel } from '../wire/index.ts'
import { streamChannel } from './stream-channel.ts'
import type { PeerTransport } from './transport.ts'

/** One end of an in-memory connection; what is written here can be read at the other end. */
class MemorySocket extends Duplex {
  #other: MemorySocket | undefined
  /** Finishes a write when the other end has room again. */
  #written: (() => void) | undefined

  static pair(): [MemorySocket, MemorySocket] {
    const a = new MemorySocket({ allowHalfOpen: false })
    const b = new MemorySocket({ allowHalfOpen: false })
    a.#other = b
    b.#other = a
    return [a, b]
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    const other = this.#other
    // Copies the bytes, as a network does, because the writer may change its buffer before they are delivered.
    if (other === undefined || other.destroyed || other.push(new Uint8Array(chunk))) done()
    else this.#written = done
  }

  override _read(): void {
    const other = this.#other
    if (other === undefined) return
    const done = other.#written
    if (done === undefined) return
    other.#written = undefined
    done()
  }

  override _final(done: () => void): void {
    this.#other?.push(null)
    done()
  }

  override _destroy(err: Error | null, done: (err: Error | null) => void): void {
    done(err)
    const other = this.#other
    this.#other = undefined
    // Bytes that were written before still arrive, as over TCP after an orderly close.
    if (other !== undefined && !other.readableEnded && !other.destroyed) other.push(null)
  }
}

/** Both ends of a new in-memory connection: the dialled one and the accepted one. */
function channelPair(dialled: PeerAddress, accepted: PeerAddress): [ByteChannel, ByteChannel] {
  const [a, b] = MemorySocket.pair()
  return [streamChannel(a, accepted), streamChannel(b, dialled)]
}

/** A network of hosts in one process, for tests and the simulator. */
export interface MemoryNetwork {
  /** The transport of one host; its outgoing connections come from this address. */
  host(host: string): PeerTransport
}

export function memoryNetwork(): MemoryNetwork {
  const listeners = new Map<string, (channel: ByteChannel) => void>()
  let nextPort = 20_000
  const keyOf = ({ host, port }: PeerAddress) => `${host} ${port}`
  return {
    host: (host) => ({
      async listen(address, onChannel) {
        const bound = { host: address.host, port: address.port === 0 ? nextPort++ : address.port }
        const key = keyOf(bound)
        if (listeners.has(key)) throw appError('PORT_IN_USE', { detail: bound })
        listeners.set(key, onChannel)
        return {
          address: bound,
          close: async () => {
            if (listeners.get(key) === onChannel) listeners.delete(key)
          },
        }
      },
      async dial(address, { signal } = {}) {
        throwIfAborted(signal)
        const onChannel = listeners.get(keyOf(address))
        if (onChannel === undefined) {
          const detail = { ...address, unreachable: true }
          throw appError('PEER_CLOSED', { message: 'the peer cannot be reached', detail })
        }
        const [mine, theirs] = channelPair({ host, port: nextPort++ }, address)
        queueMicrotask(() => onChannel(theirs))
        return mine
      },
    }),
  }
}
