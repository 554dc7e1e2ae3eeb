import {
  forceCollide,
  forceLink,
  forceSimulation,
  forceX,
  forceY,
  type Simulation,
  type SimulationLinkDatum,
  type SimulationNodeDatum,
} from 'd3-force'
import type { Feed, Peer } from '../state/views.ts'

/** Distance of two nodes beside each other. */
const GAP = 22
/** Up to here nodes are drawn towards those that feed them; beyond it that takes too long. */
const MAX_DRAWN = 300
const GOLDEN = Math.PI * (3 - Math.sqrt(5))

export interface Dot extends SimulationNodeDatum {
  readonly id: string
  x: number
  y: number
  peer: Peer
  homeX: number
  homeY: number
}

export interface Ring {
  readonly zone: string
  readonly x: number
  readonly y: number
  readonly radius: number
  readonly count: number
}

/** Where nodes stand: each zone is a circle of its own, and nodes keep their places while others come and go. */
export interface Layout {
  readonly dots: ReadonlyMap<string, Dot>
  readonly rings: readonly Ring[]
  /** Takes what is known now. */
  update(peers: Iterable<Peer>, feeds: Iterable<Feed>): void
  /** Moves a little; false when everything stands still. */
  tick(): boolean
}

interface Disc extends SimulationNodeDatum {
  readonly zone: string
  readonly radius: number
  readonly count: number
}

/** The circles of zones side by side, the largest in the middle. */
function ringsOf(counts: ReadonlyMap<string, number>): readonly Ring[] {
  const discs = [...counts]
    .toSorted(([a, m], [b, n]) => n - m || a.localeCompare(b))
    .map(([zone, count], i): Disc => {
      const radius = GAP * (0.62 * Math.sqrt(count) + 1.1)
      const turn = i * GOLDEN
      return { zone, count, radius, x: 1.6 * Math.cos(turn) * i * radius, y: Math.sin(turn) * i * radius }
    })
  const packing = forceSimulation(discs)
    .force('apart', forceCollide<Disc>(({ radius }) => radius + 14).iterations(4))
    .force('x', forceX<Disc>(0).strength(0.06))
    .force('y', forceY<Disc>(0).strength(0.12))
    .stop()
  packing.tick(discs.length > 1 ? 160 : 0)
  return discs.map(({ zone, count, radius, x = 0, y = 0 }) => ({ zone, count, radius, x, y }))
}

const zoneOf = ({ zone = '' }: Peer) => zone

function countsOf(peers: Iterable<Peer>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const peer of peers) counts.set(zoneOf(peer), (counts.get(zoneOf(peer)) ?? 0) + 1)
  return counts
}

const sameCounts = (rings: readonly Ring[], counts: ReadonlyMap<string, number>): boolean =>
  rings.length === counts.size && rings.every(({ zone, count }) => counts.get(zone) === count)

/** Places in each circle, from its middle outwards: origins first, and then in the order in which nodes came. */
function settle(dots: ReadonlyMap<string, Dot>, rings: readonly Ring[]): void {
  const places = new Map<string, number>()
  const at = new Map(rings.map((ring) => [ring.zone, ring]))
  const isOrigin = ({ peer }: Dot) => Number(peer.role === 'origin')
  for (const dot of [...dots.values()].toSorted((a, b) => isOrigin(b) - isOrigin(a))) {
    const zone = zoneOf(dot.peer)
    const ring = at.get(zone)
    if (ring === undefined) continue
    const place = places.get(zone) ?? 0
    places.set(zone, place + 1)
    const away = GAP * 0.56 * Math.sqrt(place)
    dot.homeX = ring.x + away * Math.cos(place * GOLDEN)
    dot.homeY = ring.y + away * Math.sin(place * GOLDEN)
    if (Number.isNaN(dot.x)) [dot.x, dot.y] = [dot.homeX, dot.homeY]
  }
}

type Links = SimulationLinkDatum<Dot>

function simulationOf(dots: ReadonlyMap<string, Dot>, feeds: Iterable<Feed>): Simulation<Dot, Links> {
  const few = dots.size <= MAX_DRAWN
  const drawn = few ? [...feeds].filter(({ from, to }) => dots.has(from) && dots.has(to)) : []
  const links = drawn.map(({ from, to }): Links => ({ source: from, target: to }))
  return forceSimulation<Dot, Links>([...dots.values()])
    .force('x', forceX<Dot>(({ homeX }) => homeX).strength(0.3))
    .force('y', forceY<Dot>(({ homeY }) => homeY).strength(0.3))
    .force('apart', forceCollide<Dot>(GAP / 2.4).iterations(1))
    .force(
      'feeds',
      forceLink<Dot, Links>(links)
        .id(({ id }) => id)
        .strength(0.015),
    )
    .alphaDecay(few ? 0.04 : 0.12)
    .stop()
}

/** Takes the peers of now; true when somebody came, left, or is in another zone. */
function take(dots: Map<string, Dot>, peers: Iterable<Peer>): boolean {
  const seen = new Set<string>()
  let changed = false
  for (const peer of peers) {
    seen.add(peer.peerId)
    const known = dots.get(peer.peerId)
    if (known === undefined) {
      dots.set(peer.peerId, { id: peer.peerId, peer, x: Number.NaN, y: Number.NaN, homeX: 0, homeY: 0 })
      changed = true
    } else {
      changed ||= zoneOf(known.peer) !== zoneOf(peer)
      known.peer = peer
    }
  }
  for (const id of [...dots.keys()].filter((each) => !seen.has(each))) {
    dots.delete(id)
    changed = true
  }
  return changed
}

export function swarmLayout(): Layout {
  const dots = new Map<string, Dot>()
  let rings: readonly Ring[] = []
  let simulation: Simulation<Dot, Links> | undefined
  return {
    dots,
    get rings() {
      return rings
    },
    update(peers, feeds) {
      if (!take(dots, peers)) return
      const counts = countsOf([...dots.values()].map(({ peer }) => peer))
      if (!sameCounts(rings, counts)) rings = ringsOf(counts)
      settle(dots, rings)
      simulation = simulationOf(dots, feeds)
    },
    tick() {
      if (simulation === undefined || simulation.alpha() < 0.02) return false
      simulation.tick()
      return true
    },
  }
}
