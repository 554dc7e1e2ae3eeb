import { describe, expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { newPeerId, peerIdOf, type SwarmId } from '../../../lib/core/index.ts'
import { ownerByHost, ownerByKey } from '../../../services/tracker/owner.ts'
import { type PeerRegistryInit, peerRegistry } from '../../../services/tracker/peer-registry.ts'
import type { PeerEntry } from '../../../services/tracker/swarm.ts'

const random = seededRandom(1)
const swarmOf = (i: number) => i.toString(16).padStart(40, '0') as SwarmId
const [one, two] = [swarmOf(1), swarmOf(2)]
let last = 0

function peer(given: Partial<PeerEntry> = {}): PeerEntry {
  last += 1
  const host = `10.${(last >> 16) & 255}.${(last >> 8) & 255}.${last & 255}`
  return { peerId: newPeerId(random), key: 'k', host, port: 6881, role: 'agent', complete: false, ...given }
}

function registry(init: Partial<PeerRegistryInit> = {}) {
  const clock = fakeClock()
  const seeded = new Map<SwarmId, 'agent' | 'origin'>()
  const evicted: string[] = []
  const made = peerRegistry(
    {
      clock,
      random: seededRandom(2),
      seeders: (id, role) => (seeded.get(id) === role ? 1 : 0),
      onEvicted: (what) => evicted.push(what),
    },
    { maxEntries: 1000, maxSwarms: 100, maxPeersPerSwarm: 100, ...init },
  )
  const idsIn = (swarm: SwarmId) => made.sample(swarm, 100).map(({ peerId }) => peerId)
  return { clock, made, idsIn, seeded, evicted }
}

describe('peer registry', () => {
  test('names a peer that announced, without its key', () => {
    const { made } = registry()
    const { key, ...shown } = peer()
    made.announce(one, { ...shown, key }, 1000)
    expect(made.sample(one, 10)).toEqual([shown])
    expect(made.sample(two, 10)).toEqual([])
    expect([made.swarms, made.peers]).toEqual([1, 1])
  })

  test('a new announce updates the entry', () => {
    const { made } = registry()
    const before = peer()
    made.announce(one, before, 1000)
    made.announce(one, { ...before, host: '10.9.9.9', port: 1, complete: true }, 1000)
    expect(made.sample(one, 10)).toMatchObject([{ host: '10.9.9.9', port: 1, complete: true }])
    expect(made.peers).toBe(1)
  })

  test('another key can neither change nor remove an entry', () => {
    const { made, idsIn } = registry()
    const owner = peer()
    made.announce(one, owner, 1000)
    expect(made.announce(one, { ...owner, key: 'other', host: '6.6.6.6' }, 1000)).toBe(false)
    expect(made.leave(one, { ...owner, key: 'other' })).toBe(false)
    expect(made.sample(one, 10)).toMatchObject([{ host: owner.host }])
    expect(made.leave(one, owner)).toBe(true)
    expect(idsIn(one)).toEqual([])
  })

  test('a newcomer at an address replaces nobody, whatever its key', () => {
    const { made, idsIn } = registry()
    const before = peer()
    const after = { ...before, peerId: newPeerId(random), key: 'new' }
    made.announce(one, before, 1000)
    made.announce(one, after, 1000)
    expect(idsIn(one)).toEqual([before.peerId, after.peerId])
    expect(made.peers).toBe(2)
  })

  test('a peer id that was made from a key goes to its owner, whoever took it before', () => {
    const { made } = registry()
    const owner = peer({ key: ownerByKey('secret'), peerId: peerIdOf('secret') })
    made.announce(one, { ...owner, key: ownerByKey('guess'), host: '6.6.6.6' }, 1000)
    expect(made.announce(one, owner, 1000)).toBe(true)
    expect(made.sample(one, 10)).toMatchObject([{ host: owner.host }])
    expect(made.announce(one, { ...owner, key: ownerByKey('guess'), host: '6.6.6.6' }, 1000)).toBe(false)
    expect(made.leave(one, { ...owner, key: ownerByHost('secret') })).toBe(false)
  })

  test('a peer that leaves is gone at once, and the swarm with its last peer', () => {
    const { made } = registry()
    const entry = peer()
    made.announce(one, entry, 1000)
    made.leave(one, entry)
    expect([made.swarms, made.peers]).toEqual([0, 0])
    expect(made.leave(two, entry)).toBe(true)
  })

  test('a peer that does not announce again expires', async () => {
    const { made, clock, idsIn } = registry()
    const [gone, stays] = [peer(), peer()]
    made.announce(one, gone, 1000)
    await clock.advance(600)
    made.announce(one, stays, 1000)
    await clock.advance(399)
    expect(idsIn(one)).toHaveLength(2)
    await clock.advance(1)
    expect(idsIn(one)).toEqual([stays.peerId])
    expect(made.peers).toBe(1)
  })

  test('an expired entry is not named though an older one lives longer', async () => {
    const { made, clock, idsIn } = registry()
    const [long, short] = [peer(), peer()]
    made.announce(one, long, 5000)
    made.announce(one, short, 1000)
    await clock.advance(2000)
    expect(idsIn(one)).toEqual([long.peerId])
  })

  test('a renewed entry does not expire', async () => {
    const { made, clock, idsIn } = registry()
    const entry = peer()
    for (let i = 0; i < 5; i += 1) {
      made.announce(one, entry, 1000)
      await clock.advance(900)
    }
    expect(idsIn(one)).toEqual([entry.peerId])
  })

  test('a sweep empties swarms without announces', async () => {
    const { made, clock } = registry()
    for (let i = 0; i < 10; i += 1) made.announce(swarmOf(i), peer(), 1000)
    await clock.advance(1000)
    made.sweep()
    expect([made.swarms, made.peers]).toEqual([0, 0])
  })

  test('a full swarm forgets the peer whose last announce is oldest', () => {
    const { made, idsIn } = registry({ maxPeersPerSwarm: 2 })
    const [a, b, c] = [peer(), peer(), peer()]
    made.announce(one, a, 1000)
    made.announce(one, b, 1000)
    made.announce(one, a, 1000)
    made.announce(one, c, 1000)
    expect(new Set(idsIn(one))).toEqual(new Set([a.peerId, c.peerId]))
    expect(made.peers).toBe(2)
  })

  test('with too many swarms the one announced to least lately is forgotten', () => {
    const { made, idsIn } = registry({ maxSwarms: 2 })
    const entry = peer()
    made.announce(one, entry, 1000)
    made.announce(two, entry, 1000)
    made.announce(one, entry, 1000)
    made.announce(swarmOf(3), entry, 1000)
    expect(idsIn(two)).toEqual([])
    expect(idsIn(one)).toEqual([entry.peerId])
    expect([made.swarms, made.peers]).toEqual([2, 2])
  })

  test('a flood of swarms leaves those with seeders, then those with others', () => {
    const { made, idsIn, seeded, evicted } = registry({ maxSwarms: 20, maxEntries: 30 })
    const [reader, ...others] = [peer({ host: '10.9.9.9' }), peer({ host: '10.9.9.9' }), peer({ host: '10.9.9.9' })]
    seeded.set(one, 'origin')
    made.announce(one, reader, 1000)
    for (const other of others) made.announce(two, other, 1000)
    for (let i = 0; i < 500; i += 1) made.announce(swarmOf(100 + i), peer({ host: '10.9.9.9' }), 1000)
    expect([idsIn(one), idsIn(two).length]).toEqual([[reader.peerId], 2])
    expect(made.swarms).toBe(20)
    expect(evicted).toHaveLength(500 - 18)
  })

  test('beyond the total, whoever has most makes room', () => {
    const { made, idsIn, evicted } = registry({ maxEntries: 40, maxSwarms: 1000 })
    const alone = Array.from({ length: 10 }, () => peer())
    for (const [i, entry] of alone.entries()) made.announce(swarmOf(i), entry, 1000)
    for (let i = 0; i < 500; i += 1) made.announce(swarmOf(100 + i), peer({ host: '10.9.9.9' }), 1000)
    expect(alone.every(({ peerId }, i) => idsIn(swarmOf(i)).includes(peerId))).toBe(true)
    expect([made.peers, evicted.length]).toEqual([40, 470])
  })

  test('one caller cannot fill a swarm', () => {
    const { made, idsIn } = registry({ maxPeersPerSwarm: 100 })
    const others = Array.from({ length: 80 }, () => peer())
    for (const entry of others) made.announce(one, entry, 1000)
    for (let i = 0; i < 2000; i += 1) made.announce(one, peer({ host: '10.9.9.9', port: i + 1 }), 1000)
    const left = new Set(idsIn(one))
    expect(left.size).toBe(100)
    expect(others.filter(({ peerId }) => left.has(peerId)).length).toBeGreaterThan(70)
  })

  test('samples a bounded number of each kind, everyone with about the same chance', () => {
    const { made } = registry({ maxPeersPerSwarm: 1000 })
    for (let i = 0; i < 200; i += 1) made.announce(one, peer({ complete: i < 100 }), 1000)
    for (let i = 0; i < 3; i += 1) made.announce(one, peer({ role: 'origin', complete: true }), 1000)
    const seen = new Map<string, number>()
    for (let round = 0; round < 400; round += 1) {
      const sample = made.sample(one, 10)
      expect(sample).toHaveLength(23)
      expect(new Set(sample.map(({ peerId }) => peerId)).size).toBe(23)
      for (const { peerId } of sample) seen.set(peerId, (seen.get(peerId) ?? 0) + 1)
    }
    expect(seen.size).toBe(203)
    expect(Math.max(...[...seen.values()].filter((count) => count < 400))).toBeLessThan(80)
  })

  test('counts the peers with the whole blob', () => {
    const { made } = registry()
    made.announce(one, peer({ complete: true }), 1000)
    made.announce(one, peer(), 1000)
    made.announce(one, peer({ role: 'origin', complete: true }), 1000)
    made.announce(one, peer({ role: 'origin' }), 1000)
    expect(made.counts(one)).toEqual({ complete: 2, incomplete: 2 })
    expect(made.counts(two)).toEqual({ complete: 0, incomplete: 0 })
  })

  test('stays consistent through any course of announces, leaves and time', async () => {
    const { made, clock } = registry({ maxSwarms: 5, maxPeersPerSwarm: 7 })
    const chance = seededRandom(7)
    const pool = Array.from({ length: 20 }, () => peer())
    for (let step = 0; step < 3000; step += 1) {
      const entry = { ...(pool[Math.floor(chance.next() * 20)] as PeerEntry), complete: chance.next() < 0.5 }
      const id = swarmOf(Math.floor(chance.next() * 8))
      if (chance.next() < 0.3) made.leave(id, entry)
      else made.announce(id, entry, 50 + chance.next() * 50)
      if (step % 50 === 0) await clock.advance(20)
      if (step % 100 !== 0) continue
      made.sweep()
      const counted = Array.from({ length: 8 }, (_, i) => made.counts(swarmOf(i)))
      const total = counted.reduce((sum, { complete, incomplete }) => sum + complete + incomplete, 0)
      expect(made.peers).toBe(total)
      expect(made.swarms).toBeLessThanOrEqual(5)
      for (const { complete, incomplete } of counted) expect(complete + incomplete).toBeLessThanOrEqual(7)
    }
  })
})
