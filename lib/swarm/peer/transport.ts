import type { AbortOptions } from '../../base/index.ts'
import type { PeerAddress } from '../../core/index.ts'
import type { ByteChannel } from '../wire/index.ts'

export interface PeerListener {
  /** Where it really listens; the port is never 0. */
  readonly address: PeerAddress
  /** Takes no more connections; those that are open stay. Idempotent. */
  close(): Promise<void>
}

/** The network as peers see it: TCP, or its twin in memory. */
export interface PeerTransport {
  /**
   * Port 0 takes a free one. `onChannel` owns each channel: until it reads or destroys it, nothing happens.
   * @throws PORT_IN_USE
   */
  listen(address: PeerAddress, onChannel: (channel: ByteChannel) => void): Promise<PeerListener>
  /** The channel rests until it is read. @throws PEER_CLOSED (refused, unreachable, too late), ABORTED */
  dial(address: PeerAddress, options?: AbortOptions): Promise<ByteChannel>
}
