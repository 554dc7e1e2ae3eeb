import type { Feed, Peer, SwarmDelta, SwarmRow, WholeSwarm } from '../state/views.ts'

/** A swarm as it is followed: what was told first, and every change since. */
export interface SwarmState {
  readonly swarm: SwarmRow
  readonly peers: ReadonlyMap<string, Peer>
  readonly feeds: ReadonlyMap<string, Feed>
  readonly cut: boolean
  /** The most that any peer has lacked: about the size of the blob, once somebody began from nothing. */
  readonly largestLeft: number
}

export const feedKey = (from: string, to: string): string => `${from}>${to}`

const largest = (before: number, peers: readonly Peer[]): number =>
  peers.reduce((most, { leftBytes = 0 }) => Math.max(most, leftBytes), before)

export const swarmState = ({ swarm, peers, feeds, cut }: WholeSwarm, before?: SwarmState): SwarmState => ({
  swarm,
  peers: new Map(peers.map((peer) => [peer.peerId, peer])),
  feeds: new Map(feeds.map((feed) => [feedKey(feed.from, feed.to), feed])),
  cut,
  largestLeft: largest(before?.largestLeft ?? 0, peers),
})

export function withDelta(state: SwarmState, delta: SwarmDelta): SwarmState {
  const peers = new Map(state.peers)
  const feeds = new Map(state.feeds)
  for (const peer of delta.peers) peers.set(peer.peerId, peer)
  for (const id of delta.gone) peers.delete(id)
  for (const feed of delta.feeds) feeds.set(feedKey(feed.from, feed.to), feed)
  for (const [from, to] of delta.ended) feeds.delete(feedKey(from, to))
  return { swarm: delta.swarm, peers, feeds, cut: delta.cut, largestLeft: largest(state.largestLeft, delta.peers) }
}

/** How much of the blob a peer has, from 0 to 1; undefined when it has not said. */
export function shareOf({ complete, leftBytes }: Peer, { largestLeft }: Pick<SwarmState, 'largestLeft'>) {
  if (complete) return 1
  return leftBytes === undefined || largestLeft === 0 ? undefined : 1 - leftBytes / largestLeft
}

export interface ZoneSum {
  readonly zone: string
  readonly peers: number
  readonly whole: number
  readonly inPerSecond: number
  readonly outPerSecond: number
  /** Of what comes in, what comes from other zones. */
  readonly fromElsewhere: number
}

/** What each zone has and moves, the largest first. */
export function zonesOf({ peers, feeds }: Pick<SwarmState, 'peers' | 'feeds'>): readonly ZoneSum[] {
  const sums = new Map<string, { -readonly [Key in keyof ZoneSum]: ZoneSum[Key] }>()
  const of = (zone: string) => {
    const known = sums.get(zone)
    if (known !== undefined) return known
    const made = { zone, peers: 0, whole: 0, inPerSecond: 0, outPerSecond: 0, fromElsewhere: 0 }
    sums.set(zone, made)
    return made
  }
  for (const { zone = '', complete } of peers.values()) {
    const sum = of(zone)
    sum.peers += 1
    if (complete) sum.whole += 1
  }
  for (const { from, to, bytesPerSecond } of feeds.values()) {
    const [giver, taker] = [peers.get(from)?.zone ?? '', peers.get(to)?.zone ?? '']
    of(giver).outPerSecond += bytesPerSecond
    const sum = of(taker)
    sum.inPerSecond += bytesPerSecond
    if (giver !== taker) sum.fromElsewhere += bytesPerSecond
  }
  return [...sums.values()].filter(({ peers: count }) => count > 0).toSorted((a, b) => b.peers - a.peers)
}

export interface PeerSum {
  readonly peer: Peer
  readonly inPerSecond: number
  readonly outPerSecond: number
  readonly failures: number
}

/** Each peer with what it takes and gives now, the busiest first. */
export function peersOf({ peers, feeds }: Pick<SwarmState, 'peers' | 'feeds'>): readonly PeerSum[] {
  const sums = new Map(
    [...peers.values()].map((peer) => [peer.peerId, { peer, inPerSecond: 0, outPerSecond: 0, failures: 0 }]),
  )
  for (const { from, to, bytesPerSecond, failures } of feeds.values()) {
    const [giver, taker] = [sums.get(from), sums.get(to)]
    if (giver !== undefined) {
      giver.outPerSecond += bytesPerSecond
      giver.failures += failures
    }
    if (taker !== undefined) taker.inPerSecond += bytesPerSecond
  }
  return [...sums.values()].toSorted((a, b) => b.inPerSecond + b.outPerSecond - (a.inPerSecond + a.outPerSecond))
}
