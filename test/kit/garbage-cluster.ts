import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildIndexAdmin, type GarbageReport, garbageReportSchema } from '../../lib/api/index.ts'
import { type Backend, fileBackend } from '../../lib/backend/index.ts'
import { type Random, seededRandom, systemClock } from '../../lib/base/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { eventually } from './eventually.ts'
import type { Haste } from './hasty-build-index.ts'
import { buildResource } from './resource-stack.ts'
import { type S3Server, startS3Server } from './s3-server/index.ts'
import { startTopology, type Topology } from './topology.ts'

const ORIGINS = ['origin-1', 'origin-2'] as const
const INDEXES = ['build-index-1', 'build-index-2'] as const

/** Between two questions for the report. */
const WATCH_MS = 200
/** Past removals that a kill has left in the middle. */
const AHEAD_MS = 600_000

/** Origins and build-indexes as processes, one proxy, and one backend of all. */
export interface GarbageCluster extends AsyncDisposable {
  readonly shoal: Topology
  /** All keys of the backend. */
  keys(): Promise<readonly string[]>
  /** Kills an origin and starts it again, `times` in a row, and meanwhile build-indexes. Which and when is random. */
  killSome(random: Random, goesOn: () => boolean, times: number): Promise<void>
  /** Blobs that were removed so far, as the reports say that could be read. */
  removed(): number
  /** Leaves one build-index, with looks only by order, no grace, and removals that nobody finishes over. */
  hurry(): Promise<void>
  /** Does one look to its end. */
  look(): Promise<GarbageReport>
}

export function startGarbageCluster(haste: Haste, driver: 'file' | 's3'): Promise<GarbageCluster> {
  return buildResource(async (stack) => {
    const bucket = driver === 's3' ? stack.own(await startS3Server()) : undefined
    const s3 = bucket && s3Of(bucket)
    const env = { HASTY: JSON.stringify(haste) }
    const shoal = stack.own(
      await startTopology({
        ...{ agents: 0, origins: ORIGINS.length, trackers: 1 },
        ...{ processes: [...ORIGINS, ...INDEXES], env },
        programs: { buildIndex: 'test/kit/hasty-build-index.ts', origin: 'test/kit/hasty-origin.ts' },
        ...(s3 !== undefined && { backends: { blobs: s3, index: s3 } }),
        overrides: ['buildIndex.garbage.remove=true', 'buildIndex.garbage.rate=100000', 'proxy.anonymous=write'],
      }),
    )
    const folder = fileBackend(
      { clock: systemClock(), random: seededRandom(1), logger: silentLogger() },
      { folder: join(shoal.data, 'backend') },
    )
    const url = () => `${shoal.url(INDEXES[0], 'admin')}${buildIndexAdmin.gc.path}`
    const reports = new Map<string, GarbageReport>()
    const watching = stack.own(watched((signal) => reportAt(url(), signal), reports))
    return {
      shoal,
      keys: async () => bucket?.objectKeys() ?? keysIn(folder),
      removed: () => [...reports.values()].reduce((sum, { counts }) => sum + counts.blobsRemoved, 0),
      async killSome(random, goesOn, times) {
        const killed = async (ids: readonly string[]) => {
          for (let i = 0; i < times && goesOn(); i += 1) {
            const id = ids[Math.floor(random.next() * ids.length)] ?? ''
            await sleep(random.next() * 1_000)
            await shoal.kill(id)
            await sleep(random.next() * 300)
            await shoal.start(id)
          }
        }
        await Promise.all([killed(ORIGINS), killed(INDEXES)])
      },
      async hurry() {
        await watching[Symbol.asyncDispose]()
        await Promise.all(INDEXES.map((id) => shoal.stop(id)))
        const rest: Haste = { graceMs: 1, leaseMs: 4_000, aheadMs: AHEAD_MS }
        env.HASTY = JSON.stringify(rest)
        await shoal.start(INDEXES[0])
      },
      async look() {
        const order = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
        const begun = await eventually(async () => reportOf(await fetch(url(), order)))
        return eventually(async (signal) => {
          const report = await reportAt(url(), signal)
          if (report.id === begun.id && report.state === 'running') throw new Error('it goes on')
          return report
        })
      },
    }
  })
}

const s3Of = ({ bucket, endpoint, keys }: S3Server) => ({
  ...{ driver: 's3', bucket, endpoint, pathStyle: true, credentials: keys },
})

async function keysIn(backend: Backend): Promise<readonly string[]> {
  const keys: string[] = []
  for (let after: string | undefined = ''; after !== undefined; ) {
    const page: Awaited<ReturnType<Backend['list']>> = await backend.list('', { after })
    keys.push(...page.keys)
    after = page.next
  }
  return keys
}

const reportAt = async (url: string, signal: AbortSignal) => reportOf(await fetch(url, { signal }))

async function reportOf(answer: Response): Promise<GarbageReport> {
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  return garbageReportSchema.parse(await answer.json())
}

/** Keeps the last report of each look, until its disposal. */
function watched(
  ask: (signal: AbortSignal) => Promise<GarbageReport>,
  reports: Map<string, GarbageReport>,
): AsyncDisposable {
  const end = new AbortController()
  const watch = async () => {
    while (!end.signal.aborted) {
      const report = await ask(end.signal).catch(() => undefined)
      if (report !== undefined) reports.set(report.id, report)
      await sleep(WATCH_MS, undefined, { signal: end.signal }).catch(() => undefined)
    }
  }
  const over = watch()
  return {
    async [Symbol.asyncDispose]() {
      end.abort()
      await over
    },
  }
}
