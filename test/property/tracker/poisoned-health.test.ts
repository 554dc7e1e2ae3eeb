import { expect, test } from '@jest/globals'
import { type AnnounceBatch, announceLimits } from '../../../lib/api/index.ts'
import { type Random, seededRandom } from '../../../lib/base/index.ts'
import { digestOf, newPeerId, type PeerId, swarmIdOf } from '../../../lib/core/index.ts'
import { trackerLab } from '../../kit/tracker-lab.ts'

const MIB = 1024 * 1024
const RUNS = 15
const blob = digestOf(Buffer.from('reported'))
const torrent = { swarmId: swarmIdOf(blob), digest: blob, event: 'interval', leftBytes: 1, wantPeers: 0 } as const
type Report = AnnounceBatch['torrents'][number]['reports'][number]

const below = (random: Random, count: number) => Math.floor(random.next() * count)
const oneOf = <T>(random: Random, all: readonly T[]): T => all[below(random, all.length)] as T

/**
 * A swarm of honest nodes, one of them abnormal if so, in which everybody tells what it measures, in any order; and one
 * address that tells under many peer ids anything of anybody, at any time.
 */
function played(seed: number, attack: boolean) {
  const random = seededRandom(seed)
  const lab = trackerLab({ random: seededRandom(seed + 1) })
  const announce = (host: string, peerId: PeerId, reports: readonly Report[]) =>
    void lab.announcements.batch(host, {
      peer: { peerId, key: peerId, port: 6881, role: 'agent' },
      torrents: [{ ...torrent, reports: [...reports] }],
    })
  const nodes = Array.from({ length: 5 + below(random, 30) }, (_, at) => ({
    ...{ host: `10.0.0.${at + 1}`, peerId: newPeerId(random), costMs: 50 + below(random, 150) },
  }))
  const [abnormal = { peerId: undefined }] = nodes
  const [ids, style] = [Array.from({ length: 6 }, () => newPeerId(random)), below(random, 4)]
  /** Of one style, or of any, whatever fits into one announce. */
  const lie = (peerId: PeerId): Report => {
    const [low, high] = [{ costMs: 0 }, { costMs: 1e9 }]
    const { costMs } =
      [low, high, oneOf(random, [low, high]), { costMs: Math.floor(2 ** (random.next() * 30)) }][style] ?? low
    return {
      peerId,
      receivedBytes: oneOf(random, [MIB, 99 * MIB]),
      sentBytes: 0,
      failures: below(random, 2) * 999,
      costMs,
    }
  }
  const attackNow = () => {
    for (const id of ids) {
      if (random.next() < 0.5)
        announce('10.6.6.6', id, nodes.map(({ peerId }) => lie(peerId)).slice(0, announceLimits.maxReports))
    }
  }
  for (const { host, peerId } of nodes) announce(host, peerId, [])
  for (let round = 0; round < 3; round += 1) {
    for (const { host, peerId } of nodes) {
      if (attack && random.next() < 0.3) attackNow()
      const told = nodes.filter((other) => other.peerId !== peerId && random.next() < 0.7)
      const measured = told.map((other) => {
        const costMs = other.peerId === abnormal.peerId ? 20_000 : Math.round(other.costMs * (0.5 + random.next()))
        return { peerId: other.peerId, receivedBytes: MIB, sentBytes: 0, failures: 0, costMs }
      })
      announce(host, peerId, measured)
    }
  }
  return nodes
    .filter(({ peerId }) => lab.health.of(peerId).state !== 'good')
    .map(({ peerId }) => peerId === abnormal.peerId)
}

test.each([true, false])(
  'one address puts no honest host out and keeps no abnormal one in, whatever it reports: %s',
  (attack) => {
    for (let seed = 0; seed < RUNS; seed += 1) expect([seed, played(seed, attack)]).toEqual([seed, [true]])
  },
)
