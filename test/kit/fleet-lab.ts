import { setImmediate } from 'node:timers/promises'
import type { JobBody, KeptJob, OrderAnswer, OrderItem, OrderPoll, ToldOrder } from '../../lib/api/index.ts'
import { appError, fakeClock, seededRandom } from '../../lib/base/index.ts'
import { digestOf, peerIdOf } from '../../lib/core/index.ts'
import { type JournalStorage, memoryStorage } from '../../lib/journal/index.ts'
import { recordingLogger, recordingMetrics } from '../../lib/telemetry/index.ts'
import { fleetMeters } from '../../services/tracker/fleet/fleet-meters.ts'
import { jobAnswer } from '../../services/tracker/fleet/job-answer.ts'
import { jobRecords } from '../../services/tracker/fleet/job-records.ts'
import { jobs } from '../../services/tracker/fleet/jobs.ts'
import { orderDesk } from '../../services/tracker/fleet/order-desk.ts'
import { posts } from '../../services/tracker/fleet/posts.ts'

export const AWAY_MS = 20_000
export const wantedBlob = digestOf(Buffer.from('a blob that a job is about'))
const items: readonly OrderItem[] = [{ digest: wantedBlob, size: 100 }]
export const noProgress = { blobs: 1, bytes: 100, doneBlobs: 0, partBlobs: 0, doneBytes: 0 }
export const allDone = { blobs: 1, bytes: 100, doneBlobs: 1, partBlobs: 0, doneBytes: 100 }

type Walk = (job: KeptJob, platforms: readonly string[]) => Promise<readonly OrderItem[]>

/** Nobody holds settings. */
const steeringDesk = { heard: () => undefined, for: () => undefined }

export interface FleetLabInit {
  readonly atOnce?: number
  readonly gatherMs?: number
  readonly keepMs?: number
  readonly maxPosts?: number
  readonly maxKept?: number
  readonly walk?: Walk
}

/** A host that speaks the protocol, and does what the test says. */
export interface LabHost {
  readonly id: string
  /** Asks once: what it says of its orders, and how long it waits. */
  ask(orders?: readonly ToldOrder[], waitMs?: number): Promise<OrderAnswer>
  /** Its connection breaks. */
  cut(): void
}

/** The jobs of a tracker and the desk of its orders, on a clock that the test moves, with their storage in memory. */
export async function fleetLab(init: FleetLabInit = {}) {
  const clock = fakeClock()
  const breaks = { journal: false, records: false, removals: false, hold: Promise.resolve() }
  const broken = (which: 'journal' | 'records'): JournalStorage => {
    const storage = memoryStorage()
    const write: JournalStorage['write'] = async (...written) => {
      const removes = written[0].some(({ value }) => value === undefined)
      if (breaks[which] || (breaks.removals && removes)) throw appError('JOURNAL_UNAVAILABLE')
      if (which === 'records') await breaks.hold
      await storage.write(...written)
    }
    return { ...storage, write }
  }
  const storages = { journal: broken('journal'), records: broken('records') }
  const metrics = recordingMetrics()
  const changes: string[] = []
  const boot = async () => {
    const { maxPosts = 9_999, maxKept = 9_999 } = init
    const random = seededRandom(5)
    const listening = posts(clock, { maxPosts, maxKept, awayMs: AWAY_MS })
    const targets = {
      find: () => Promise.resolve({ digest: wantedBlob, manifest: { mediaType: 'a/b', size: 1 } }),
      walk: init.walk ?? (() => Promise.resolve(items)),
    }
    const logger = recordingLogger()
    const records = jobRecords(storages.records, logger)
    const table = jobs(
      {
        ...{ clock, random, logger, metrics, posts: listening, targets, meters: fleetMeters(metrics) },
        ...{ journal: storages.journal, records },
        onChanged: ({ job, state }) => changes.push(`${job.kind} ${state}`),
      },
      { atOnce: init.atOnce ?? 2, gatherMs: init.gatherMs ?? 0, keepMs: init.keepMs ?? 86_400_000 },
    )
    await table.start()
    return {
      posts: listening,
      jobs: table,
      logger,
      desk: orderDesk({
        clock,
        random,
        posts: listening,
        jobs: table,
        steeringDesk,
        pullQuestions: { take: () => [] },
      }),
    }
  }
  let now = await boot()
  const settle = async () => {
    for (let i = 0; i < 20; i += 1) await setImmediate()
  }
  return {
    clock,
    changes,
    /** Which of the storages take nothing, and what the one of jobs waits for before it takes anything. */
    breaks,
    metrics,
    settle,
    get jobs() {
      return now.jobs
    },
    get posts() {
      return now.posts
    },
    /** The process ends at once, and another begins with what it left on the disk. */
    async kill() {
      now = await boot()
      await settle()
    },
    /** A job lies on the disk that was never acknowledged. */
    async write(job: KeptJob) {
      await jobRecords(storages.records, recordingLogger()).add(job, [])
    },
    spoil: (key: string) => storages.records.write([{ key, value: Buffer.from('{') }], { sync: false }),
    async read(key: string): Promise<unknown> {
      for await (const record of storages.records.records())
        if (record.key === key) return JSON.parse(Buffer.from(record.value).toString('utf8'))
      return undefined
    },
    /** Time passes, and everything that is due happens. */
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 1_000) {
        await clock.advance(Math.min(1_000, left))
        now.jobs.tick()
        await settle()
      }
    },
    async order(body: Partial<JobBody> = {}) {
      const run = await now.jobs.add({ kind: 'query', target: 'team/app:1', all: true, ...body }, 'admin')
      await settle()
      return run.job.id
    },
    show: (id: string) => jobAnswer(now.jobs.get(id)),
    rows: (id: string) => now.jobs.get(id).rows.map(({ kept }) => kept),
    host: (
      name: string,
      facts: Partial<Pick<OrderPoll, 'zone' | 'platform' | 'labels' | 'turn'>> & { address?: string } = {},
    ) => labHost(name, facts, (...asked) => now.desk.poll(...asked)),
  }
}

export type FleetLab = Awaited<ReturnType<typeof fleetLab>>

function labHost(
  name: string,
  {
    address = '10.0.0.1',
    ...facts
  }: Partial<Pick<OrderPoll, 'zone' | 'platform' | 'labels' | 'turn'>> & { address?: string },
  poll: ReturnType<typeof orderDesk>['poll'],
): LabHost {
  const key = `the key of the host ${name}`
  const id = peerIdOf(key)
  let connection = new AbortController()
  let turn = facts.turn ?? 0
  return {
    id,
    ask(orders = [], waitMs = 0) {
      turn += 1
      connection = new AbortController()
      const said = { key, peerId: id, run: name, platform: 'linux/amd64', ...facts, turn, waitMs, orders }
      const { zone, labels, platform } = said
      const host = { id, peerId: id, address, zone, label: labels?.['host'], platform }
      return poll(host, said, [connection.signal])
    },
    cut: () => connection.abort(),
  }
}

/** What a host says of an order that it was given. */
export const told = (
  { job, attempt }: Pick<ToldOrder, 'job' | 'attempt'>,
  state: ToldOrder['state'],
  more: Partial<ToldOrder> = {},
): ToldOrder => ({ job, attempt, state, progress: state === 'done' ? allDone : noProgress, ...more })
