import { describe, expect, test } from '@jest/globals'
import { type AnnounceBatch, announceLimits, policyNames } from '../../../lib/api/index.ts'
import { type Random, seededRandom } from '../../../lib/base/index.ts'
import { digestOf, newPeerId, type PeerId, swarmIdOf } from '../../../lib/core/index.ts'
import type { PolicyName } from '../../../services/tracker/policy/policies.ts'
import { trackerLab } from '../../kit/tracker-lab.ts'

const SWARMS = 1_000
const digest = digestOf(Buffer.from('blob'))
const swarmId = swarmIdOf(digest)
const bytes = 1_000_000

interface Member {
  readonly host: string
  readonly peer: AnnounceBatch['peer']
  /** It has the whole blob from the first announce on. */
  readonly seeds: boolean
}

const below = (random: Random, count: number) => Math.floor(random.next() * count)

/** Agents in up to four zones and some racks, and perhaps origins and agents with the whole blob, in any order. */
function members(random: Random): readonly Member[] {
  const zones = 1 + below(random, 4)
  const count = 2 + below(random, 16)
  const [origins, seeders] = [below(random, 4), below(random, 3)]
  return Array.from({ length: count + origins + seeders }, (_, i) => {
    const place = below(random, zones)
    const role = i < origins ? ('origin' as const) : ('agent' as const)
    const zone = place === 0 && random.next() < 0.5 ? {} : { zone: `zone ${place}` }
    const labels = { rack: `${place} ${below(random, 3)}` }
    const peer = { peerId: newPeerId(random), key: `key ${i}`, port: 6881, role, ...zone, labels }
    return { host: `10.${place}.${i >> 8}.${i & 255}`, peer, seeds: i < origins + seeders }
  }).sort(() => random.next() - 0.5)
}

const zoneOf = ({ peer }: Member) => peer.zone ?? ''

/** Sets of members that hear of each other, directly or through others. */
function parts(all: readonly Member[], names: ReadonlyMap<PeerId, ReadonlySet<PeerId>>) {
  const leader = new Map(all.map(({ peer }) => [peer.peerId, peer.peerId]))
  const find = (id: PeerId): PeerId => {
    const up = leader.get(id) ?? id
    return up === id ? id : find(up)
  }
  for (const [from, named] of names) for (const to of named) leader.set(find(from), find(to))
  return find
}

/** A swarm in which everybody announces twice, and some are banned or drained. */
async function played(policy: PolicyName, seed: number) {
  const random = seededRandom(seed)
  const lab = trackerLab({ policy, random: seededRandom(seed + 1) })
  const all = members(random)
  const marked = all.filter(() => random.next() < 0.05)
  for (const [i, { peer }] of marked.entries()) {
    const mark = { target: peer.peerId, reason: 'r', by: 'admin', atMs: 0 }
    await lab.control.mark(i % 2 === 0 ? 'ban' : 'drain', peer.peerId, mark)
  }
  const isMarked = (id: PeerId) => marked.some(({ peer }) => peer.peerId === id)
  const names = new Map<PeerId, Set<PeerId>>()
  const wantPeers = 5 + below(random, 45)
  const announce = ({ host, peer, seeds }: Member) => {
    if (lab.control.markOf('ban', { ...peer, host }) !== undefined) return
    const torrent = { swarmId, digest, event: 'started', leftBytes: bytes, wantPeers, reports: [] } as const
    const batch = seeds
      ? { peer, torrents: [], seeds: { sequence: 1, add: [swarmId], remove: [] } }
      : { peer, torrents: [torrent] }
    const [answer] = lab.announcements.batch(host, batch).torrents
    if (answer === undefined) return
    const known = names.get(peer.peerId) ?? new Set()
    names.set(peer.peerId, known)
    for (const { peerId } of answer.peers) known.add(peerId)
    expect(answer.peers.length).toBeLessThanOrEqual(Math.min(wantPeers, announceLimits.maxPeers))
  }
  for (const member of all) announce(member)
  for (const member of all) if (!member.seeds) announce(member)
  return { all: all.filter(({ peer }) => !isMarked(peer.peerId)), names, isMarked }
}

describe.each(policyNames)('the peers that %s names', (policy) => {
  test('are never the asker nor a banned one, and leave no island, in 1000 swarms', async () => {
    for (let seed = 0; seed < SWARMS; seed += 1) {
      const { all, names, isMarked } = await played(policy, seed)
      for (const [asker, named] of names) {
        expect(named.has(asker)).toBe(false)
        expect([...named].filter(isMarked)).toEqual([])
      }
      const find = parts(all, names)
      const sources = all.filter(({ seeds }) => seeds)
      const whole = new Set(sources.map(({ peer }) => find(peer.peerId)))
      const askers = all.filter(({ seeds }) => !seeds)
      const islands = new Set(askers.map(({ peer }) => find(peer.peerId)).filter((id) => !whole.has(id)))
      // Every zone has a way to the blob; and where nobody has it, all know each other.
      const allowed = sources.length > 0 ? 0 : 1
      if (islands.size > allowed) throw new Error(`seed ${seed}: ${islands.size} islands of ${askers.length} agents`)
    }
  })
})

describe.each(['topology', 'adaptive'] as const)('across zones, %s', (policy) => {
  test('lets one peer at a time of each zone know peers of others, unless it has nobody else', async () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const { all, names } = await played(policy, seed)
      const zone = new Map(all.map((member) => [member.peer.peerId, zoneOf(member)]))
      const crossing = new Map<string, number>()
      for (const [asker, named] of names) {
        const own = zone.get(asker)
        if (own === undefined || ![...named].some((id) => zone.get(id) !== own)) continue
        crossing.set(own, (crossing.get(own) ?? 0) + 1)
      }
      expect(Math.max(0, ...crossing.values())).toBeLessThanOrEqual(2)
    }
  })
})
