import { type AbortOptions, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import type { ClusterTalk } from '../../../services/manager/clusters/talk.ts'
import { type JobLedger, jobLedger } from '../../../services/manager/jobs/job-ledger.ts'
import type { JobRunComponents } from '../../../services/manager/jobs/job-run.ts'
import { jobStore, type NewJob } from '../../../services/manager/jobs/job-store.ts'
import type { MadeDatabase } from './databases.ts'

const progress = { blobs: 1, bytes: 1, doneBlobs: 1, partBlobs: 0, doneBytes: 1 }
const hosts = { waiting: 0, running: 0, done: 1, failed: 0, cancelled: 0 }
const spec = { kind: 'query', targets: ['team/app:1'] } as const

/** A question for the hosts of each of these clusters. */
export const questionOf = (untilMs: number, clusters: readonly string[] = ['here']): NewJob => ({
  ...{ actor: 'user:ada', spec, untilMs },
  parts: clusters.map((cluster) => ({ cluster, step: 'fleet', spec: { order: 'query', target: 'team/app:1' } })),
})

/** The jobs of a database, with one tracker in the cluster `here`, which does at once what it is told. */
export function jobRuns(
  { database }: Pick<MadeDatabase, 'database'>,
  better: (ledger: JobLedger) => JobLedger = (is) => is,
) {
  const clock = fakeClock()
  const random = seededRandom(3)
  const orders: string[] = []
  const joined = new Set(['here'])
  let hangs = false
  let lasts = false
  let answeredMs = 0
  const tracker = {
    id: 'tracker-1',
    admin: {
      order: async ({ body }: { readonly body: { readonly key: string } }, { signal }: AbortOptions) => {
        orders.push(body.key)
        if (hangs) await clock.sleep(Number.MAX_SAFE_INTEGER, { signal })
        return { id: 'j1', state: 'done' }
      },
      async job() {
        answeredMs = clock.now()
        return { id: 'j1', state: lasts ? 'running' : 'done', hosts, progress, failures: {} }
      },
      jobHosts: async () => ({ hosts: [{ host: 'host-1', state: 'done', attempts: 1, progress }] }),
      content: async () => ({ digest: 'sha256:00', repository: 'team/app', items: [{ digest: 'sha256:01', size: 1 }] }),
      cancelJob: async () => undefined,
    },
  }
  const talk = { trackers: (cluster: string) => (joined.has(cluster) ? [tracker] : []) } as unknown as ClusterTalk
  const ledger = jobLedger({ read: () => database.read, keep: (work) => database.keep(work), clock })
  const components: JobRunComponents = {
    ...{ talk, clock, random, logger: silentLogger(), lookMs: 1_000 },
    ...{ ledger: better(ledger) },
  }
  return {
    ...{ clock, orders, components, ledger, store: jobStore({ database, clock, random }) },
    /** The tracker is one of this cluster as well. */
    join: (cluster: string) => void joined.add(cluster),
    /** It is not any more. */
    part: (cluster: string) => void joined.delete(cluster),
    /** What the tracker is told does not end. */
    last() {
      lasts = true
    },
    /** When it was last asked how far that is. */
    answeredMs: () => answeredMs,
    /** The tracker does not answer any more. */
    hang() {
      hangs = true
    },
  }
}
