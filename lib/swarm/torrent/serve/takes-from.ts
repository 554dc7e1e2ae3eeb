import type { PeerId, PeerRole } from '../../../core/index.ts'
import type { PeerHello } from '../../peer/index.ts'

/** This node, as a peer of its torrents. */
export interface Self {
  readonly peerId: PeerId
  readonly role: PeerRole
  readonly zone?: string | undefined
}

/**
 * Whether we ask the peer for pieces. An agent of another zone that came to us is the one that brings the blob across, so
 * our zone has what it has, or will: pieces taken back from it would cross a second time. Unless a tracker named it: our
 * zone needs it, or trackers do not look at zones.
 */
export function takesFrom(self: Self, hello: PeerHello, isNamed: (peerId: PeerId) => boolean): boolean {
  const isNear = (hello.zone ?? '') === (self.zone ?? '')
  const areAgents = self.role === 'agent' && hello.role === 'agent'
  return isNear || !areAgents || hello.direction === 'dialled' || isNamed(hello.peerId)
}
