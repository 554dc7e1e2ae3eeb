import type { PeerAddress } from '../../lib/core/index.ts'
import type { HostFacts } from './hosts/host-book.ts'

/** What a node has said of its place among networks. */
type Networked = Pick<HostFacts, 'network' | 'addresses'>

/**
 * Where a node in `network` reaches a peer: at the address that the peer has there, or else at that of its connection, where
 * both are in one network or one of them does not say in which. Undefined: nowhere.
 */
export function addressIn(
  network: string | undefined,
  { host, port }: PeerAddress,
  { network: its, addresses = {} }: Networked = {},
): PeerAddress | undefined {
  if (network === undefined) return { host, port }
  const there = Object.hasOwn(addresses, network) ? addresses[network] : undefined
  return there ?? (its === undefined || its === network ? { host, port } : undefined)
}
