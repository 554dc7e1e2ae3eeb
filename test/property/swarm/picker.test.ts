import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Bitset, type Random, seededRandom } from '../../../lib/base/index.ts'
import { newPeerId, type PeerRole, readPriorities } from '../../../lib/core/index.ts'
import { byPriority, OwnShare, type PickScope, PieceIndex, pickPiece, shares } from '../../../lib/swarm/picker/index.ts'
import { allowedPicks } from '../../kit/naive-picker.ts'

interface Peer {
  readonly role: PeerRole
  readonly have: Bitset
}

const below = (random: Random, end: number) => Math.floor(random.next() * end)

function someSet(random: Random, count: number): Bitset {
  const density = [0, 0.02, 0.5, 1][below(random, 4)] ?? 0
  const set = new Bitset(count)
  for (let piece = 0; piece < count; piece += 1) if (random.next() < density) set.add(piece)
  return set
}

/** A torrent with its peers as plain sets, and the index that is told of every change. */
class World {
  readonly index: PieceIndex
  readonly peers = new Map<string, Peer>()
  readonly wanted: Bitset
  readonly #random: Random
  readonly #count: number

  constructor(random: Random, count: number) {
    this.#random = random
    this.#count = count
    this.index = new PieceIndex(count)
    this.wanted = new Bitset(count)
  }

  change(): void {
    const random = this.#random
    const name = `p${below(random, 6)}`
    const piece = below(random, this.#count)
    const peer = this.peers.get(name)
    const [event, role] = [below(random, 12), random.next() < 0.3 ? 'origin' : 'agent'] as const
    if (peer === undefined || event === 0)
      this.#tell(name, { role: peer?.role ?? role, have: someSet(random, this.#count) })
    else if (event === 1) {
      this.peers.delete(name)
      this.index.remove(name)
    } else if (event < 4) {
      peer.have.add(piece)
      this.index.update(name, peer, piece)
    } else if (event < 6 && peer.role === 'origin' && peer.have.has(piece)) {
      if (event === 4) peer.have.delete(piece)
      this.index.withhold(name, piece, event === 4)
    } else this.#want(piece, event < 10)
  }

  #tell(name: string, peer: Peer): void {
    this.peers.set(name, peer)
    this.index.update(name, peer, undefined)
  }

  #want(from: number, wanted: boolean): void {
    for (let piece = from; piece < Math.min(this.#count, from + below(this.#random, 100)); piece += 1) {
      if (wanted) this.wanted.add(piece)
      else this.wanted.delete(piece)
      this.index.want(piece, wanted)
    }
  }

  /** What the index picks for a peer, and what it may pick. */
  pick(
    name: string,
    { role, have }: Peer,
  ): { readonly picked: number | undefined; readonly allowed: readonly number[] } {
    const [random, count] = [this.#random, this.#count]
    const window = () => {
      const next = below(random, count)
      const priority = readPriorities[below(random, 3)] ?? 'fill'
      return { next, end: Math.min(count, next + 1 + below(random, 70)), urgent: random.next() < 0.2, priority }
    }
    const windows = byPriority(Array.from({ length: below(random, 4) }, window))
    const scope = (['all', 'all', 'windows', 'none'] as const)[below(random, 4)] as PickScope
    const [served, mine] = [someSet(random, count), someSet(random, count)]
    const suggested = new Set(Array.from({ length: below(random, 4) }, () => below(random, count)))
    const [idle, slow] = [random.next() < 0.5, random.next() < 0.5]
    const copies = (piece: number) =>
      [...this.peers.values()].filter((p) => p.role === 'agent' && p.have.has(piece)).length
    const view = { pieces: this.index, scope, windows, mine, random, served: () => served, agentsAreSlow: () => slow }
    const offer = this.index.offerOf(name)
    expect(offer.isOfUse).toBe([...have].some((piece) => this.wanted.has(piece)))
    return {
      picked: pickPiece(view, { role, offer, suggested, idle }),
      allowed: allowedPicks(
        {
          ...{ count, scope, windows, copies, agentsAreSlow: slow },
          wanted: (piece) => this.wanted.has(piece),
          served: (piece) => served.has(piece),
          isMine: (piece) => mine.has(piece),
        },
        { role, has: (piece) => have.has(piece), suggested, idle },
      ),
    }
  }
}

test('the index picks what the rules allow, whatever came before', () => {
  const [seeds, counts] = [fc.integer({ min: 1, max: 2 ** 31 }), fc.integer({ min: 1, max: 700 })]
  fc.assert(
    fc.property(seeds, counts, (seed, count) => {
      const world = new World(seededRandom(seed), count)
      for (let step = 0; step < 60; step += 1) {
        world.change()
        for (const [name, peer] of world.peers) {
          const { picked, allowed } = world.pick(name, peer)
          if (picked === undefined) expect(allowed).toEqual([])
          else expect(allowed).toContain(picked)
        }
      }
    }),
    { numRuns: 40 },
  )
})

test.each([
  ['many, found at random', 1],
  ['few, counted', 0.005],
])('each of the rarest pieces has the same chance: %s', (_, density) => {
  const [random, count] = [seededRandom(3), 640]
  const index = new PieceIndex(count)
  const rare = Array.from({ length: count }, (_unused, piece) => piece).filter((piece) => (piece % 97) / 97 < density)
  for (const piece of rare) index.want(piece, true)
  const hits = new Map<number, number>()
  const draws = 200 * rare.length
  for (let draw = 0; draw < draws; draw += 1) {
    const piece = index.rarest({ offer: index.offerAll(), start: 0, end: count }, random) ?? -1
    hits.set(piece, (hits.get(piece) ?? 0) + 1)
  }
  expect([...hits.keys()].toSorted((a, b) => a - b)).toEqual(rare)
  for (const hit of hits.values()) expect(Math.abs(hit - 200)).toBeLessThan(80)
})

test('the own share is what the split among all members gives to this node, whoever comes and goes', () => {
  const random = seededRandom(11)
  const [self = '', ...others] = Array.from({ length: 6 }, () => newPeerId(random) as string)
  // Two that draw alike: the smaller id wins.
  others.push(`00${self.slice(2)}`, `ff${self.slice(2)}`)
  const share = new OwnShare(self, 300)
  const members = new Set([self])
  for (let step = 0; step < 60; step += 1) {
    const peer = others[below(random, others.length)] ?? self
    if (members.has(peer)) members.delete(peer)
    else members.add(peer)
    share.set(peer, members.has(peer))
    const split = shares([...members], 300)
    const expected = Array.from({ length: 300 }, (_, piece) => piece).filter((piece) => split.ownerOf(piece) === self)
    expect([...share.mine]).toEqual(expected)
  }
})
