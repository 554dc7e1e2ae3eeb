import { appError } from '../../../base/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { PeerConnection } from '../../peer/index.ts'
import type { ConnectionCount } from './dialer.ts'

/**
 * Connections of a blob that is still being opened: they count, but deliver nothing until somebody attaches.
 */
export interface RestingPeers {
  /** Takes over the connection; closes it with PEER_LIMIT when there are too many, here or in all torrents. */
  rest(connection: PeerConnection): void
  readonly size: number
  /** Gives all connections to the caller, which owns them from now on. */
  awake(): readonly PeerConnection[]
}

export function restingPeers(limits: SwarmLimits, connections: ConnectionCount): RestingPeers {
  let resting: PeerConnection[] = []
  return {
    get size() {
      return resting.length
    },
    rest(connection) {
      if (resting.length >= limits.maxConnectionsPerTorrentHard || connections.open >= limits.maxLanes) {
        connection.close(appError('PEER_LIMIT'))
        return
      }
      connections.open += 1
      resting.push(connection)
    },
    awake() {
      const awoken = resting
      resting = []
      connections.open -= awoken.length
      return awoken
    },
  }
}
