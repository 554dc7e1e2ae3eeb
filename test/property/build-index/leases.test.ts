import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Backend, memoryBackend } from '../../../lib/backend/index.ts'
import { type FakeClock, fakeClock, type Random, seededRandom } from '../../../lib/base/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { indexRecords } from '../../../services/build-index/index-records.ts'
import { type Leases, leases } from '../../../services/build-index/replication/leases.ts'

const leaseMs = 1000
const shards = 4

/** A backend whose calls arrive late, and whose answers come late: sometimes later than a lease lasts. */
function late(inner: Backend, clock: FakeClock, random: Random): Backend {
  const wait = () => clock.sleep(random.next() < 0.05 ? random.next() * 3 * leaseMs : random.next() * 60)
  const slow =
    <Args extends readonly unknown[], Answer>(call: (...args: Args) => Promise<Answer>) =>
    async (...args: Args): Promise<Answer> => {
      await wait()
      try {
        return await call(...args)
      } finally {
        await wait()
      }
    }
  return {
    ...inner,
    stat: slow((...args: Parameters<Backend['stat']>) => inner.stat(args[0])),
    read: slow((...args: Parameters<Backend['read']>) => inner.read(args[0])),
    write: slow((...args: Parameters<Backend['write']>) =>
      inner.write(args[0], args[1], { ...args[2], signal: undefined }),
    ),
    list: slow((...args: Parameters<Backend['list']>) => inner.list(args[0], { ...args[1], signal: undefined })),
    delete: slow((...args: Parameters<Backend['delete']>) => inner.delete(args[0])),
  }
}

interface Member {
  readonly leases: Leases
  readonly holding: Set<number>
}

const scenario = async (seed: number, restarts: readonly number[]) => {
  const clock = fakeClock()
  const random = seededRandom(seed)
  const inner = memoryBackend()
  const workers = new Map<number, number>()
  let worst = 0
  const member = (name: number): Member => {
    const backend = late(inner, clock, random)
    const holding = new Set<number>()
    const parts = { backend, clock, random, logger: silentLogger() }
    const own = leases(
      { ...parts, records: indexRecords(parts) },
      {
        ...{ holder: `m${name}`, shards, leaseMs },
        work: ({ shard, signal }) =>
          new Promise((resolve) => {
            holding.add(shard)
            workers.set(shard, (workers.get(shard) ?? 0) + 1)
            worst = Math.max(worst, workers.get(shard) ?? 0)
            const end = () => {
              holding.delete(shard)
              workers.set(shard, (workers.get(shard) ?? 0) - 1)
              resolve()
            }
            if (signal.aborted) end()
            else signal.addEventListener('abort', end, { once: true })
          }),
      },
    )
    return { leases: own, holding }
  }
  const members = [0, 1, 2, 3].map(member)
  for (const { leases: own } of members) await own.start()
  await clock.advance(5 * leaseMs)
  for (const [round, at] of restarts.entries()) {
    const ending = members[at]?.leases.stop()
    await clock.advance(random.next() * 3 * leaseMs)
    await Promise.all([ending, clock.advance(20 * leaseMs)])
    members[at] = member(100 + round * 10 + at)
    await members[at].leases.start()
    await clock.advance(random.next() * 4 * leaseMs)
  }
  expect(worst).toBe(1)
  const ends = Promise.all(members.map(({ leases: own }) => own.stop()))
  await clock.advance(30 * leaseMs)
  await ends
  expect([...workers.values()].every((count) => count === 0)).toBe(true)
}

test('no shard is worked on by two at once, however late the answers of the backend come', async () => {
  const restarts = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 6 })
  await fc.assert(fc.asyncProperty(fc.integer(), restarts, scenario), { numRuns: 40 })
})
