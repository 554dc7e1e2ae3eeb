import { describe, expect, test } from '@jest/globals'
import { announcingPeer } from '../../../lib/api/index.ts'
import type { FakeClock } from '../../../lib/base/index.ts'
import { type PeerId, parseRepository, swarmIdOf } from '../../../lib/core/index.ts'
import type { Announcer, AnnouncingNode, SeedChange } from '../../../lib/swarm/index.ts'
import type { PolicyName } from '../../../services/tracker/policy/policies.ts'
import { gatedStore } from '../../kit/gated-store.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, type LabNodeInit, putBlob, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'
import { trackerLab } from '../../kit/tracker-lab.ts'

const MIB = 1024 * 1024
const RATE = 20 * MIB

/** Engines that announce to the parts of a real tracker; `zones` by host. */
function trackedLab(blobs: readonly SwarmBlob[], policy: PolicyName, seed = 1) {
  const zones = new Map<string, string>()
  const sequences = new Map<string, number>()
  let tracker: ReturnType<typeof trackerLab> | undefined
  const announcerOn = (clock: FakeClock): Announcer => {
    const made = trackerLab({ policy, clock, minMs: 5_000, maxMs: 10_000, perSecond: 100 })
    tracker = made
    const batchOf = (self: AnnouncingNode) => announcingPeer(self, { key: self.peerId, zone: zones.get(self.host) })
    return {
      announce: async (self, entries) =>
        made.announcements.batch(self.host, {
          peer: batchOf(self),
          torrents: entries.map((entry) => ({ ...entry, reports: [...entry.reports] })),
        }).torrents,
      tellSeeds: async (self, changes) => {
        const base = sequences.get(self.peerId)
        const sequence = (base ?? 0) + 1
        sequences.set(self.peerId, sequence)
        const ids = (seeded: boolean) =>
          changes.filter((change: SeedChange) => change.seeded === seeded).map(({ swarmId }) => swarmId)
        const seeds = { ...(base !== undefined && { base }), sequence, add: ids(true), remove: ids(false) }
        const { seeds: told } = made.announcements.batch(self.host, { peer: batchOf(self), torrents: [], seeds })
        return { told: true, intervalMs: told?.intervalMs }
      },
    }
  }
  const lab = swarmLab(blobs, seed, announcerOn)
  if (tracker === undefined) throw new Error('the lab has asked for no announcer')
  return { lab, tracker, zones }
}

async function seeder(lab: SwarmLab, blob: SwarmBlob, init: LabNodeInit): Promise<LabNode> {
  const agent = await lab.agent(init)
  await putBlob(agent.store, blob)
  agent.engine.seed({ digest: blob.digest, repository: parseRepository('lab') }, blob.bytes.length)
  await lab.clock.advance(50)
  return agent
}

describe.each([1, 2, 5, 7])('a swarm of ten, with a slow and a lying one, seed %d', (seed) => {
  test('completes, and both leave the lists with a reason; the others stay', async () => {
    const blob = swarmBlob(1, 24 * MIB)
    const { lab, tracker } = trackedLab([blob], 'adaptive', seed)
    await using running = lab
    const gate = gatedStore()
    gate.corrupt(() => true)
    const slow = await seeder(running, blob, { uploadBytesPerSecond: 0.05 * MIB })
    const liar = await seeder(running, blob, { uploadBytesPerSecond: RATE, wrapStore: gate.wrap })
    const honest = [await seeder(running, blob, { uploadBytesPerSecond: RATE })]
    const pullers: LabNode[] = []
    for (let i = 0; i < 7; i += 1) pullers.push(await running.agent({ uploadBytesPerSecond: RATE }))
    const pulled = await running.run(Promise.all(pullers.map((agent) => agent.pull(blob))))
    for (const bytes of pulled) expect(Buffer.compare(bytes, blob.bytes)).toBe(0)
    await running.clock.advance(11_000)
    const health = ({ peerId }: LabNode) => tracker.health.of(peerId)
    expect(health(liar)).toMatchObject({ state: 'out', why: expect.stringMatching(/^failing: \d of \d askers/) })
    expect(health(slow)).toMatchObject({ state: 'out', why: expect.stringMatching(/^(slow|failing): \d of \d askers/) })
    for (const node of [...honest, ...pullers]) expect(health(node)).toEqual({ state: 'good' })
    // Nobody is told of them for another pull.
    const late = await running.agent({ uploadBytesPerSecond: RATE })
    expect(Buffer.compare(await running.run(late.pull(blob)), blob.bytes)).toBe(0)
    expect([slow, liar].map(({ engine }) => engine.snapshot().flatMap(({ peers }) => peers).length)).toEqual([0, 0])
  })
})

describe.each(['topology', 'adaptive'] as const)('two zones, origins in one of them: %s', (policy) => {
  test('carries at most 1.2 copies of the blob across, both ways together', async () => {
    const blob = swarmBlob(3, 32 * MIB)
    const { lab, tracker, zones } = trackedLab([blob], policy)
    await using running = lab
    // Nobody turns to HTTP, which in this lab no origin refuses.
    const started = async (at: string, make: (init: LabNodeInit) => Promise<LabNode>) => {
      zones.set(`10.0.0.${zones.size + 1}`, at)
      const node = await make({ zone: at, uploadBytesPerSecond: RATE, limits: { busyPatienceMs: 60_000 } })
      expect(zones.get(node.host)).toBe(at)
      return node
    }
    await started('a', (init) => running.origin(init))
    const agents: LabNode[] = []
    for (let i = 0; i < 12; i += 1) agents.push(await started(i % 2 === 0 ? 'a' : 'b', (init) => running.agent(init)))
    await running.run(Promise.all(agents.map((agent) => agent.pull(blob))))
    await running.clock.advance(11_000)
    const zoneOf = (peerId: PeerId) => tracker.book.of(peerId)?.zone
    const copiesInto = (zone: string) =>
      tracker.feeds
        .of(swarmIdOf(blob.digest))
        .filter(({ from, to }) => zoneOf(from) !== zoneOf(to) && zoneOf(to) === zone)
        .reduce((sum, { bytes }) => sum + bytes / blob.bytes.length, 0)
    expect(copiesInto('b')).toBeGreaterThan(0.9)
    expect(copiesInto('a') + copiesInto('b')).toBeLessThanOrEqual(1.2)
  })
})
