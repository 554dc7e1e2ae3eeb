import { beforeEach, describe, expect, test } from '@jest/globals'
import { memoryBackend } from '../../../../lib/backend/index.ts'
import { type FakeClock, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { indexRecords } from '../../../../services/build-index/index-records.ts'
import { type Lease, leases } from '../../../../services/build-index/replication/leases.ts'
import { type FaultyBackend, faultyBackend } from '../../../kit/faulty-backend.ts'

const leaseMs = 8000
const shards = 8

let clock: FakeClock
const inner = () => memoryBackend()
let backend: ReturnType<typeof inner>

beforeEach(() => {
  clock = fakeClock()
  backend = inner()
})

interface Member {
  readonly faulty: FaultyBackend
  readonly held: Map<number, Lease>
  readonly life: ReturnType<typeof leases>
}

function member(holder: string, seed: number, ownMs = leaseMs): Member {
  const faulty = faultyBackend(backend)
  const parts = { backend: faulty.backend, clock, random: seededRandom(seed), logger: silentLogger() }
  const held = new Map<number, Lease>()
  const life = leases(
    { ...parts, records: indexRecords(parts) },
    {
      ...{ holder, shards, leaseMs: ownMs },
      async work(lease) {
        held.set(lease.shard, lease)
        await clock.sleep(Number.MAX_SAFE_INTEGER, { signal: lease.signal }).catch(() => undefined)
        held.delete(lease.shard)
      },
    },
  )
  return { faulty, held, life }
}

const sizes = (...members: readonly Member[]) => members.map(({ held }) => held.size)

describe('the shards of the work', () => {
  test('are all done by one that is alone, and shared when another one comes', async () => {
    const [one, two] = [member('one', 1), member('two', 2)]
    await one.life.start()
    await clock.advance(leaseMs)
    expect(sizes(one)).toEqual([8])
    await two.life.start()
    await clock.advance(3 * leaseMs)
    expect(sizes(one, two)).toEqual([4, 4])
    await Promise.all([one.life.stop(), two.life.stop()])
    expect(sizes(one, two)).toEqual([0, 0])
  })

  test('of one that stops go to the other at once', async () => {
    const [one, two] = [member('one', 1), member('two', 2)]
    await one.life.start()
    await two.life.start()
    await clock.advance(3 * leaseMs)
    await one.life.stop()
    await clock.advance(leaseMs / 2)
    expect(sizes(one, two)).toEqual([0, 8])
    await two.life.stop()
  })

  test('of one that is gone, or cannot reach the backend, go to the other when its lease is over, and not before', async () => {
    const [one, two] = [member('one', 1), member('two', 2)]
    await one.life.start()
    await two.life.start()
    await clock.advance(3 * leaseMs)
    const signals = [...one.held.values()].map(({ signal }) => signal)
    one.faulty.break()
    await clock.advance(leaseMs * 0.7)
    expect(sizes(two)).toEqual([4])
    await clock.advance(leaseMs * 2.5)
    expect(signals.every(({ aborted }) => aborted)).toBe(true)
    expect(sizes(one, two)).toEqual([0, 8])
    one.faulty.heal()
    await clock.advance(3 * leaseMs)
    expect(sizes(one, two)).toEqual([4, 4])
    await Promise.all([one.life.stop(), two.life.stop()])
  })

  test('are waited for as long as their holder has them, whatever the own config says, and have a greater number then', async () => {
    const one = member('one', 1)
    const two = member('two', 2, leaseMs / 4)
    await one.life.start()
    await clock.advance(leaseMs)
    const numbers = new Map([...one.held].map(([shard, { generation }]) => [shard, generation]))
    one.faulty.break()
    await two.life.start()
    await clock.advance(leaseMs * 0.9)
    expect(sizes(two)).toEqual([0])
    await clock.advance(leaseMs * 3)
    expect(sizes(two)).toEqual([8])
    for (const [shard, { generation }] of two.held) expect(generation).toBeGreaterThan(numbers.get(shard) ?? Infinity)
    await Promise.all([one.life.stop(), two.life.stop()])
  })

  test('are not held any more after their time, also when no timer could fire', async () => {
    const one = member('one', 1)
    await one.life.start()
    await clock.advance(leaseMs)
    const [lease] = one.held.values()
    expect(lease?.isHeld()).toBe(true)
    clock.stall(leaseMs)
    expect(lease?.isHeld()).toBe(false)
    await one.life.stop()
  })
})
