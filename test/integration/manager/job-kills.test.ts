import { expect, test } from '@jest/globals'
import { adminClient, managerApi, type Order } from '../../../lib/api/index.ts'
import { isAppError, type Random, seededRandom } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { orderCallers } from '../../kit/order-tracker.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

// The long form: KILLS=100 JOBS=20 npm run jest -- --selectProjects integration --testPathPatterns job-kills
const [KILLS, JOBS] = [Number(process.env['KILLS'] ?? 6), Number(process.env['JOBS'] ?? 4)]
const SEED = Number(process.env['SEED'] ?? 20_261_129)
const HOSTS = 6
/** How many questions to its ops listener the manager answers at most before it is killed. */
const MOST_PROBES = 30
const TOKEN = 'join-token-of-a-test-0123456789'

const targetOf = (job: number) => digestOf(Buffer.from(`the blob of job ${job}`))
const below = (random: Random, n: number) => Math.floor(random.next() * n)

/** What each host was told to begin, by host and blob. */
function beginnings() {
  const counts = new Map<string, number>()
  return {
    counts,
    begin(host: string, { items }: Order) {
      for (const { digest } of items) counts.set(`${host} ${digest}`, (counts.get(`${host} ${digest}`) ?? 0) + 1)
    },
    /** Resolves when some more orders were begun, or so many in all. */
    more(count: number, all: number) {
      const goal = Math.min(all, counts.size + count)
      return eventually(() => expect(counts.size).toBeGreaterThanOrEqual(goal))
    },
  }
}

/** The manager works on for as long as it takes to answer this often. */
async function probes(shoal: Topology, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await (await fetch(`${shoal.url('manager-1', 'ops')}/healthz`)).text()
}

test(
  'every job that a manager has acknowledged ends, and no host does one twice, whenever it is killed',
  async () => {
    process.stdout.write(`${KILLS} kills of ${JOBS} jobs, seed ${SEED}\n`)
    const random = seededRandom(SEED)
    await using shoal = await startTopology({
      ...{ agents: 1, origins: 1, trackers: 1, managers: 1, joinToken: TOKEN },
      ...{ processes: ['manager-1'], later: ['agent-1'] },
      overrides: ['tracker.fleet.gather=0s', 'manager.clusters.heartbeat=500ms', 'manager.jobs.look=20ms'],
    })
    const began = beginnings()
    await using stack = await buildResource(async (own) => {
      const url = { http: shoal.url('tracker-1'), admin: shoal.url('tracker-1', 'admin') }
      const http = own.own(disposableHttp())
      return {
        ...orderCallers(own, url, false),
        manager: adminClient(http, shoal.url('manager-1', 'admin'), managerApi),
      }
    })
    for (let i = 0; i < HOSTS; i += 1)
      stack.host({ name: `host-${i}`, work: async (order) => began.begin(`host-${i}`, order) })
    await stack.gathered(HOSTS)
    const { manager } = stack
    await eventually(async () => expect((await manager.members({})).members.length).toBeGreaterThan(4))

    const acknowledged = new Map<number, string>()
    const give = async (n: number) => {
      const body = { kind: 'delete', targets: [targetOf(n)], key: `job ${n}`, atOnce: 2, limitSeconds: 600 } as const
      try {
        acknowledged.set(n, (await manager.createJob({ body })).id)
      } catch (err) {
        if (!isAppError(err) || !err.retryable) throw err
      }
    }
    for (let kill = 0; kill < KILLS; kill += 1) {
      const given = Math.ceil((JOBS * (kill + 1)) / KILLS)
      const giving = Array.from({ length: given }, (_, n) => n).filter((n) => !acknowledged.has(n))
      const all = Promise.all(giving.map(give))
      // Some kills come before the answer, some in the middle of the orders, some after all of it.
      if (below(random, 4) > 0) await all
      await probes(shoal, below(random, MOST_PROBES))
      if (below(random, 2) === 0) await began.more(below(random, 3), acknowledged.size * HOSTS)
      await shoal.kill('manager-1')
      await all
      await shoal.start('manager-1')
    }
    for (let n = 0; n < JOBS; n += 1)
      if (!acknowledged.has(n)) await eventually(() => give(n).then(() => expect(acknowledged.has(n)).toBe(true)))
    const ends = await Promise.all(
      [...acknowledged.values()].map((id) =>
        eventually(async () => {
          const job = await manager.job({ id })
          expect(job.endedAtMs).toBeDefined()
          return { state: job.state, code: job.code, rows: job.rows }
        }),
      ),
    )
    const good = {
      state: 'done',
      code: undefined,
      rows: { waiting: 0, running: 0, done: HOSTS, failed: 0, cancelled: 0 },
    }
    expect(ends).toEqual(Array(JOBS).fill(good))
    expect(new Set(acknowledged.values()).size).toBe(JOBS)
    expect([...began.counts].filter(([, count]) => count !== 1)).toEqual([])
    expect(began.counts.size).toBe(JOBS * HOSTS)
    expect((await manager.jobs({ n: '200' })).jobs).toHaveLength(JOBS)
  },
  60_000 + KILLS * 20_000,
)
