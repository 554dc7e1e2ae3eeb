import type { AbortOptions } from '../../base/index.ts'
import type { PeerAddress } from '../../core/index.ts'
import type { ByteChannel } from '../wire/index.ts'

export interface PeerListener {
  /** The real address; the port is never 0. */
  readonly address: PeerAddress
  /** Accepts no more connections; open connections stay. Idempotent. */
  close(): Promise<void>
}

/** The network between peers: TCP, or its in-memory twin. */
export interface PeerTransport {
  /**
   * Port 0 means any free port. `onChannel` owns each channel, which does nothing until it is read or destroyed.
   * @throws PORT_IN_USE
   */
  listen(address: PeerAddress, onChannel: (channel: ByteChannel) => void): Promise<PeerListener>
  /** The channel is paused until it is read. @throws PEER_CLOSED (refused, unreachable, too late), ABORTED */
  dial(address: PeerAddress, options?: AbortOptions): Promise<ByteChannel>
}
