import type { WholeSwarm } from '../../../lib/api/index.ts'

type Peer = WholeSwarm['peers'][number]
type Feed = WholeSwarm['feeds'][number]

/** What has changed of a swarm between two looks. */
export interface SwarmDelta extends Pick<WholeSwarm, 'swarm' | 'cut'> {
  /** Peers that came or changed, and feeds. */
  readonly peers: readonly Peer[]
  readonly gone: readonly string[]
  readonly feeds: readonly Feed[]
  readonly ended: readonly (readonly [from: string, to: string])[]
}

const keyOf = ({ from, to }: Pick<Feed, 'from' | 'to'>) => `${from}>${to}`
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** Undefined when nothing has changed. */
export function swarmDelta(before: WholeSwarm, now: WholeSwarm): SwarmDelta | undefined {
  const [peers, feeds] = [
    new Map(before.peers.map((peer) => [peer.peerId, peer])),
    new Map(before.feeds.map((feed) => [keyOf(feed), feed])),
  ]
  const [stay, flow] = [new Set(now.peers.map(({ peerId }) => peerId)), new Set(now.feeds.map(keyOf))]
  const delta: SwarmDelta = {
    ...{ swarm: now.swarm, cut: now.cut },
    peers: now.peers.filter((peer) => !same(peer, peers.get(peer.peerId))),
    gone: before.peers.map(({ peerId }) => peerId).filter((id) => !stay.has(id)),
    feeds: now.feeds.filter((feed) => !same(feed, feeds.get(keyOf(feed)))),
    ended: before.feeds.filter((feed) => !flow.has(keyOf(feed))).map(({ from, to }) => [from, to] as const),
  }
  const counts = delta.peers.length + delta.gone.length + delta.feeds.length + delta.ended.length
  return counts === 0 && same(before.swarm, now.swarm) && before.cut === now.cut ? undefined : delta
}
