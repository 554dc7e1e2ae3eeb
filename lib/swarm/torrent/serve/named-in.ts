import type { PeerInfo } from '../../../core/index.ts'
import type { PeerConnection } from '../../peer/index.ts'

/**
 * The peer as it is named to another one in `zone`; nothing when it cannot be dialled, or is in another zone: only
 * trackers let peers meet across zones, so that few do. Nor is a stock client named: only trackers know by what name it
 * can be dialled.
 */
export function namedIn(zone: string | undefined, { hello, remoteHave }: PeerConnection): readonly PeerInfo[] {
  const { peerId, role, address, listenPort, foreign } = hello
  if (foreign || listenPort === undefined || (hello.zone ?? '') !== (zone ?? '')) return []
  return [{ peerId, role, host: address.host, port: listenPort, complete: remoteHave.complete }]
}
