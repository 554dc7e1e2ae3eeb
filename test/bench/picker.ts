import { Bitset, type Random, seededRandom } from '../../lib/base/index.ts'
import { newPeerId, type PeerRole } from '../../lib/core/index.ts'
import { OwnShare, type PickView, PieceIndex, pickPiece } from '../../lib/swarm/picker/index.ts'
import { allowedPicks, type NaiveView } from '../kit/naive-picker.ts'
import { median, publish } from './measure.ts'

const PEERS = 24
const ORIGINS = 3
const WAKES = 200
const NAIVE_WAKES = 3
const PIECES = [1_000, 10_000, 100_000]
/** Pieces in the window of the one reader. */
const WINDOW = 64

interface Peer {
  readonly id: string
  readonly role: PeerRole
  readonly have: Bitset
}

interface Scene {
  readonly name: string
  /** The share of the pieces that is still wanted. */
  readonly wanted: number
  /** The share of the pieces that an agent has. */
  readonly had: number
  /** The agents have only what is here already. */
  readonly stale?: boolean
}

const scenes: readonly Scene[] = [
  { name: 'begin', wanted: 1, had: 0.02 },
  { name: 'middle', wanted: 0.5, had: 0.5 },
  { name: 'end', wanted: 0.001, had: 0.9 },
  { name: 'agents have nothing new', wanted: 0.5, had: 0.5, stale: true },
]

class World {
  readonly pieces: PieceIndex
  readonly #peers: readonly Peer[]
  readonly #share: OwnShare
  readonly #served: Bitset
  readonly #random: Random

  constructor(count: number, { wanted, had, stale = false }: Scene, random: Random) {
    this.pieces = new PieceIndex(count)
    this.#random = random
    this.#served = new Bitset(count)
    for (let piece = 0; piece < count; piece += 1) this.pieces.want(piece, random.next() < wanted)
    this.#share = new OwnShare(newPeerId(random), count)
    this.#peers = Array.from({ length: PEERS }, (_, at) => {
      const role = at < ORIGINS ? 'origin' : 'agent'
      const have = role === 'origin' ? Bitset.full(count) : new Bitset(count)
      for (let piece = 0; piece < count && role === 'agent'; piece += 1) {
        if (random.next() < had && !(stale && this.pieces.wanted(piece))) have.add(piece)
      }
      return { id: newPeerId(random), role, have }
    })
    for (const peer of this.#peers) {
      this.pieces.update(peer.id, peer, undefined)
      this.#share.set(peer.id, peer.role === 'agent')
    }
    this.#served.become(this.#peers.filter(({ role }) => role === 'agent').map(({ have }) => have))
  }

  #window() {
    const next = Math.floor(this.#random.next() * this.pieces.count)
    return { next, end: Math.min(this.pieces.count, next + WINDOW), urgent: false }
  }

  /** Every peer is given one piece, which is wanted no more then; afterwards all of them are wanted again. */
  wake(): number {
    const { pieces } = this
    const view: PickView = {
      ...{ pieces, scope: 'all', windows: [this.#window()], random: this.#random, mine: this.#share.mine },
      served: () => this.#served,
      agentsAreSlow: () => false,
    }
    const picked: number[] = []
    const startMs = performance.now()
    for (const { id, role } of this.#peers) {
      const piece = pickPiece(view, { role, offer: pieces.offerOf(id), suggested: new Set(), idle: true })
      if (piece === undefined) continue
      pieces.want(piece, false)
      picked.push(piece)
    }
    const tookMs = performance.now() - startMs
    for (const piece of picked) pieces.want(piece, true)
    return tookMs * 1000
  }

  /** The same by looking at every piece. */
  naiveWake(): number {
    const { pieces } = this
    const view: NaiveView = {
      ...{ count: pieces.count, scope: 'all', windows: [this.#window()], agentsAreSlow: false },
      wanted: (piece) => pieces.wanted(piece),
      copies: (piece) => pieces.copies(piece),
      served: (piece) => this.#served.has(piece),
      isMine: (piece) => this.#share.mine.has(piece),
    }
    const startMs = performance.now()
    for (const { role, have } of this.#peers) {
      allowedPicks(view, { role, has: (piece) => have.has(piece), suggested: new Set(), idle: true })
    }
    return (performance.now() - startMs) * 1000
  }
}

/** What it costs to find a piece for each of 24 peers. */
export async function picker(): Promise<void> {
  const rows = []
  for (const count of PIECES) {
    for (const scene of scenes) {
      const world = new World(count, scene, seededRandom(count))
      for (let warm = 0; warm < WAKES; warm += 1) world.wake()
      const took = Array.from({ length: WAKES }, () => world.wake())
      const naive = Array.from({ length: NAIVE_WAKES }, () => world.naiveWake())
      const bound = count === PIECES.at(-1) ? '<= 200' : ''
      rows.push([count, scene.name, median(naive).toFixed(0), median(took).toFixed(1), bound])
    }
  }
  await publish({
    name: 'picker',
    conditions: [
      `a wake: each of ${PEERS} peers, ${ORIGINS} of them origins that are idle, is given one piece; medians of ${WAKES} wakes`,
      `one reader with ${WINDOW} pieces in front of it; begin: everything is wanted and each agent has 2 % of it; middle: half, and half; end: 0.1 %, and 90 %`,
      'every piece: the same rules by a look at each piece, as protocol version 1 had it; the property test of the picker compares the choices of the two',
    ],
    columns: ['pieces', 'scene', 'every piece, us', 'us per wake', 'must reach'],
    rows,
  })
}
