import { describe, expect, test } from '@jest/globals'
import { Bitset, seededRandom } from '../../../../lib/base/index.ts'
import {
  type PickPeer,
  type PickScope,
  type PickView,
  PieceIndex,
  pickPiece,
} from '../../../../lib/swarm/picker/index.ts'

interface Scene {
  readonly count?: number
  readonly gone?: readonly number[]
  readonly windows?: PickView['windows']
  readonly copies?: Readonly<Record<number, number>>
  readonly served?: readonly number[]
  readonly mine?: readonly number[] | 'all'
  readonly slow?: boolean
  readonly scope?: PickScope
  readonly seed?: number
}

const setOf = (count: number, pieces: readonly number[]) => {
  const set = new Bitset(count)
  for (const piece of pieces) set.add(piece)
  return set
}

function view(scene: Scene): PickView {
  const { count = 10, gone = [], windows = [], copies = {}, served = [], mine = 'all', slow = false, seed = 1 } = scene
  const pieces = new PieceIndex(count)
  for (let piece = 0; piece < count; piece += 1) pieces.want(piece, !gone.includes(piece))
  const copied = Object.entries(copies).map(([piece, times]) => [Number(piece), times] as const)
  for (let copy = 0; copied.some(([, times]) => times > copy); copy += 1) {
    const having = copied.filter(([, times]) => times > copy).map(([piece]) => piece)
    pieces.update(`agent ${copy}`, { have: setOf(count, having), role: 'agent' }, undefined)
  }
  return {
    pieces,
    windows,
    scope: scene.scope ?? 'all',
    agentsAreSlow: () => slow,
    random: seededRandom(seed),
    served: () => setOf(count, served),
    mine: mine === 'all' ? Bitset.full(count) : setOf(count, mine),
  }
}

interface PeerInit {
  readonly role: PickPeer['role']
  readonly has?: readonly number[]
  readonly suggested?: readonly number[]
  readonly idle?: boolean
}

const peer = (role: PickPeer['role'], init: Omit<PeerInit, 'role'> = {}): PeerInit => ({ role, ...init })

function pick(scene: Scene, { role, has, suggested = [], idle = true }: PeerInit): number | undefined {
  const torrent = view(scene)
  const { pieces } = torrent
  const have = has === undefined ? Bitset.full(pieces.count) : setOf(pieces.count, has)
  pieces.update('peer', { have, role: 'origin' }, undefined)
  return pickPiece(torrent, { role, offer: pieces.offerOf('peer'), suggested: new Set(suggested), idle })
}

const patient = { next: 3, end: 7, urgent: false }
const urgent = { ...patient, urgent: true }

describe('asked of an agent', () => {
  const cases: readonly [string, Scene, PeerInit, number | undefined][] = [
    ['the next piece of a reader comes first', { windows: [patient], copies: { 3: 9, 9: 0 } }, peer('agent'), 3],
    ['then the one behind it', { windows: [patient], gone: [3] }, peer('agent'), 4],
    ['then the rarest of the window', { windows: [patient], gone: [3, 4], copies: { 5: 2, 6: 1 } }, peer('agent'), 6],
    [
      'then a suggested piece',
      { windows: [patient], gone: [3, 4, 5, 6], copies: { 8: 5 } },
      peer('agent', { suggested: [8] }),
      8,
    ],
    ['then the rarest of all', { copies: { 0: 3, 1: 3, 2: 1, 3: 3, 4: 3 }, count: 5 }, peer('agent'), 2],
    [
      'all that somebody waits for before what is only fetched early',
      { windows: [patient, { next: 0, end: 2, urgent: false, priority: 'prefetch' }], gone: [3, 4], copies: { 6: 1 } },
      peer('agent'),
      5,
    ],
    [
      'then that, before what nobody reads, and before what only completes the blob',
      {
        windows: [
          { next: 5, end: 7, urgent: false, priority: 'prefetch' },
          { next: 0, end: 2, urgent: false, priority: 'fill' },
        ],
        gone: [5],
      },
      peer('agent', { suggested: [9] }),
      6,
    ],
    ['only what it has', { windows: [patient] }, peer('agent', { has: [9] }), 9],
    ['nothing when it has nothing that is wanted', { gone: [1] }, peer('agent', { has: [1] }), undefined],
    ['nothing when nothing is of use', { windows: [patient], scope: 'none' }, peer('agent'), undefined],
    [
      'nothing but the windows when only these are of use',
      { windows: [patient], gone: [3, 4, 5, 6], scope: 'windows' },
      peer('agent', { suggested: [8] }),
      undefined,
    ],
  ]
  test.each(cases)('%s', (_name, scene, from, expected) => {
    expect(pick(scene, from)).toBe(expected)
  })
})

describe('asked of an origin', () => {
  const everywhere = { copies: { 3: 1, 4: 1, 5: 1, 6: 1 }, served: [3, 4, 5, 6] }
  const cases: readonly [string, Scene, PeerInit, number | undefined][] = [
    [
      'the next piece of a reader in need, though agents have it',
      { ...everywhere, windows: [urgent] },
      peer('origin'),
      3,
    ],
    [
      'no piece that an agent gives while others are left',
      { ...everywhere, windows: [patient], count: 8, gone: [0, 1, 2] },
      peer('origin', { idle: false }),
      7,
    ],
    ['the own share of the window, in order', { windows: [patient], mine: [5, 6, 1] }, peer('origin'), 5],
    ['then what it suggested', { windows: [patient], mine: [1], gone: [1] }, peer('origin', { suggested: [8, 2] }), 8],
    ['then the rest of the own share', { windows: [patient], mine: [9] }, peer('origin'), 9],
    [
      'the share of others not while it is busy',
      { windows: [patient], mine: [] },
      peer('origin', { idle: false }),
      undefined,
    ],
    [
      'the share of others when it is idle, within the window',
      { windows: [{ ...patient, end: 4 }], mine: [] },
      peer('origin'),
      3,
    ],
    [
      'nothing that an agent gives, though the origin is idle',
      { ...everywhere, gone: [0, 1, 2, 4, 5, 6], count: 7 },
      peer('origin'),
      undefined,
    ],
    [
      'last of all what agents are too slow for',
      { ...everywhere, gone: [0, 1, 2, 4, 5, 6], count: 7, slow: true },
      peer('origin'),
      3,
    ],
  ]
  test.each(cases)('%s', (_name, scene, from, expected) => {
    expect(pick(scene, from)).toBe(expected)
  })
})

test('equally rare pieces have the same chance', () => {
  const counts = new Map<number, number>()
  for (let seed = 0; seed < 1_000; seed += 1) {
    const piece = pick({ count: 4, seed }, peer('agent')) ?? -1
    counts.set(piece, (counts.get(piece) ?? 0) + 1)
  }
  expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3])
  for (const count of counts.values()) expect(count).toBeGreaterThan(180)
})
