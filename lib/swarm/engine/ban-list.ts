import { type Clock, countCache } from '../../base/index.ts'
import type { PeerAddress, PeerId } from '../../core/index.ts'
import type { SwarmLimits } from '../limits.ts'
import type { PeerHello } from '../peer/index.ts'

/**
 * Peers that sent wrong bytes, for a while or until newer bans push them out. A ban holds for the
 * peer id at this host, and for the address of a peer that was dialled. The host alone would hit its neighbours on one
 * machine; an id from elsewhere, or a port that a peer merely names as its own, would hit whom the liar wants to be hit.
 */
export interface BanList {
  add(hello: PeerHello): void
  has(peer: { readonly peerId: PeerId } & PeerAddress): boolean
}

export function banList(clock: Clock, { maxBans, banMs }: Pick<SwarmLimits, 'maxBans' | 'banMs'>): BanList {
  // Up to two keys for each ban.
  const banned = countCache<true>(clock, { maxEntries: maxBans * 2, ttlMs: banMs })
  const keep = (key: string) => banned.set(key, true)
  const holds = (key: string) => banned.get(key) === true
  return {
    add({ peerId, address: { host, port }, direction }) {
      keep(`${host} ${peerId}`)
      if (direction === 'dialled') keep(`${host} ${port}`)
    },
    has: ({ peerId, host, port }) => holds(`${host} ${peerId}`) || holds(`${host} ${port}`),
  }
}

/** Where a peer can be dialled, as far as it said. */
export function listenAddress({ address, listenPort, direction }: PeerHello): PeerAddress {
  if (direction === 'dialled') return address
  return { host: address.host, port: listenPort ?? address.port }
}
