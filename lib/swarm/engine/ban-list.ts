import { type Clock, countCache } from '../../base/index.ts'
import type { PeerAddress, PeerId } from '../../core/index.ts'
import type { SwarmLimits } from '../limits.ts'
import type { PeerHello } from '../peer/index.ts'

/**
 * Peers that sent wrong bytes. A ban ends after some time, or when newer bans push it out. It applies to the peer id at
 * this host, and to the address of a peer that we dialled. Banning the whole host would hit other peers on the same
 * machine. Banning an id at other hosts, or a port that the peer only claims, would let a liar choose who is banned.
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

/** The address at which a peer can be dialled, if the peer gave one. */
export function listenAddress({ address, listenPort, direction }: PeerHello): PeerAddress {
  if (direction === 'dialled') return address
  return { host: address.host, port: listenPort ?? address.port }
}
