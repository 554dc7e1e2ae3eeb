import type { PeerConnection } from '../../peer/index.ts'

/**
 * Whether the `fresh` one of two connections to the same peer is kept. Two peers that dial each other keep the connection
 * that the smaller id dialled; of two connections in the same direction the newer one is kept. Another host cannot take
 * over a peer's place by using its id.
 */
export function replaces(selfId: string, fresh: PeerConnection, old: PeerConnection): boolean {
  if (fresh.hello.address.host !== old.hello.address.host) return false
  if (fresh.hello.direction === old.hello.direction) return true
  return fresh.hello.direction === (selfId < fresh.hello.peerId ? 'dialled' : 'accepted')
}
