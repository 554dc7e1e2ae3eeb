import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { zoneName } from '../../../services/controller/names/index.ts'
import { noFaults } from '../../kit/names/memory-zone.ts'
import { BASE, OWNER, WRITES } from '../../kit/names/names-lab.ts'
import { type Phase, phases, World, ZONES } from '../../kit/names/names-world.ts'

/** Most writes in ten seconds, also when one leader follows another. */
const MOST_WRITES = 10 * WRITES.writesPerSecond + 2 * WRITES.writesAtOnce

const busiest = (timesMs: readonly number[]): number =>
  Math.max(0, ...timesMs.map((from) => timesMs.filter((at) => at >= from && at < from + 10_000).length))

const foreign = [
  { name: BASE, address: '192.0.2.1', ttl: 600 },
  { name: zoneName(BASE, 'cn-beijing-a'), address: '192.0.2.2', ttl: 600 },
  { name: 'www.test', address: '192.0.2.3', ttl: 600 },
]

const scenario = async (seed: number, script: readonly Phase[]) => {
  const world = new World(seed)
  const { lab, cluster, promises, faults } = world
  for (const record of foreign) lab.zone.add(record, 'somebody else')
  const theirs = () => JSON.stringify([...lab.zone.records.values()].filter(({ owner }) => owner !== OWNER))
  const before = theirs()
  await lab.startController()
  await lab.startController()
  await world.pass(30, 0)
  for (const phase of script) await world.run(phase)
  Object.assign(faults, noFaults())
  await world.pass(40, 0)
  expect(promises.broken.slice(0, 5)).toEqual([])
  expect(theirs()).toBe(before)
  expect(busiest(lab.zone.writesMs)).toBeLessThanOrEqual(MOST_WRITES)
  for (const name of [BASE, ...ZONES.map((zone) => zoneName(BASE, zone))]) {
    const ours = [...lab.zone.records.values()].filter((record) => record.name === name && record.owner === OWNER)
    expect({ name, good: ours.filter(({ address }) => cluster.isGood(address)).length }).toEqual({ name, good: 8 })
    expect(ours.length).toBe(8)
  }
  await lab.stop()
}

test('a name is never empty and names nobody who is dead for long, whatever happens to 1,000 pods, the API, the zone and two controllers', async () => {
  const script = fc.shuffledSubarray([...phases], { minLength: 5, maxLength: 8 })
  await fc.assert(fc.asyncProperty(fc.integer(), script, scenario), { numRuns: 1, endOnFailure: true })
})
