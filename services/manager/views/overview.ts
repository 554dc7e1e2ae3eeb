import type { ClusterNow, Sample } from '../../../lib/api/index.ts'
import {
  type AbortOptions,
  abortController,
  anySignal,
  type Clock,
  isAbort,
  type Rounds,
  rounds,
} from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { AskedClusters, Tracker, ViewedCluster } from './asked-clusters.ts'
import { type CountedMember, type Counts, countsOf, perSecond } from './counts.ts'

/** Between two measurements; so many are kept: an hour. */
const SAMPLE_MS = 10_000
const MAX_SAMPLES = 360
/** Pages of hosts that a tracker is asked for in one measurement. */
const MAX_PAGES = 20
/** Flows between nodes are measured while somebody looks. */
const LOOKED_MS = 120_000
/** Whoever looks gets numbers of clusters that are no older, unless a cluster does not answer within the second. */
const FRESH_MS = 1_000
const WAIT_MS = 1_000

/** All clusters in numbers. */
export interface Overview {
  readonly rounds: Rounds
  now(
    options?: AbortOptions,
  ): Promise<{ readonly atMs: number; readonly clusters: readonly ClusterNow[]; readonly samples: readonly Sample[] }>
}

export interface OverviewComponents {
  readonly clusters: AskedClusters
  /** Services that count what passes through them. */
  readonly counted: () => readonly CountedMember[]
  readonly clock: Clock
  readonly logger: Logger
}

const sum = <Row>(rows: readonly Row[], of: (row: Row) => number) => rows.reduce((total, row) => total + of(row), 0)

/** A cluster as its trackers know it. Each has swarms of its own; hosts come to all of them. */
async function clusterNow(clusters: AskedClusters, cluster: ViewedCluster, signal: AbortSignal): Promise<ClusterNow> {
  const told = await clusters.ofTrackers(cluster, (tracker, options) => tracker.statistics({}, options), { signal })
  const most = (of: (each: (typeof told)[number]) => number) => Math.max(0, ...told.map(of))
  return {
    ...{ cluster: cluster.name, away: false, trackers: told.length },
    swarms: sum(told, ({ swarms }) => swarms),
    downloads: sum(told, ({ downloads }) => downloads),
    copies: sum(told, ({ seeds }) => seeds),
    hosts: most(({ hosts }) => hosts),
    bans: most(({ bans }) => bans),
    drains: most(({ drains }) => drains),
  }
}

/**
 * What nodes take in now. A tracker knows the flow in its own swarms, so those of all trackers add up; of very many nodes
 * the sum is not asked for.
 */
async function pulledOf(tracker: Tracker, options: AbortOptions): Promise<number | undefined> {
  let [pulled, last] = [0, undefined as string | undefined]
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { hosts, next } = await tracker.hosts({ role: 'agent', n: '1000', last }, options)
    pulled += sum(hosts, ({ bytesPerSecond }) => bytesPerSecond.in)
    if (next === undefined) return pulled
    last = next
  }
  return undefined
}

const nothing = { trackers: 0, swarms: 0, downloads: 0, copies: 0, hosts: 0, bans: 0, drains: 0 }

interface ClusterLooks {
  readonly known: readonly ClusterNow[]
  /** How the clusters are now. */
  see(signal: AbortSignal): Promise<void>
  /** The same for whoever looks: at most `WAIT_MS`, and not again what was just seen. */
  refresh(options: AbortOptions): Promise<void>
  start(): void
  /** Ends what others have asked for. */
  stop(): void
}

function clusterLooks({ clusters, clock, logger }: Omit<OverviewComponents, 'counted'>): ClusterLooks {
  let known: readonly ClusterNow[] = []
  let seenAtMs: number | undefined
  let seeing: Promise<void> | undefined
  let end = abortController()

  const see = async (signal: AbortSignal) => {
    const all = clusters.all()
    const { found } = await clusters.each(all, (cluster) => clusterNow(clusters, cluster, signal))
    const now = new Map(found.map(({ value }) => [value.cluster, value]))
    known = all.map(({ name }) => now.get(name) ?? { ...nothing, cluster: name, away: true })
    seenAtMs = clock.monotonicMs()
  }

  return {
    get known() {
      return known
    },
    see,
    async refresh({ signal }) {
      if (seenAtMs !== undefined && clock.monotonicMs() - seenAtMs < FRESH_MS) return
      // All who look at the same time share one look.
      seeing ??= see(end.signal)
        .catch((err: unknown) => {
          if (!isAbort(err)) logger.warn('failed to look at the clusters', { err })
        })
        .finally(() => {
          seeing = undefined
        })
      const over = abortController()
      const late = clock.sleep(WAIT_MS, { signal: anySignal([over.signal, ...(signal === undefined ? [] : [signal])]) })
      await Promise.race([seeing, late.catch(() => undefined)])
      over.abort()
    },
    start() {
      end = abortController()
    },
    stop: () => end.abort(),
  }
}

export function overview(components: OverviewComponents): Overview {
  const { clusters, counted, clock, logger } = components
  const looks = clusterLooks(components)
  let samples: readonly Sample[] = []
  let before: Counts | undefined
  let lookedAtMs: number | undefined

  const pulled = async (signal: AbortSignal): Promise<number | undefined> => {
    if (lookedAtMs === undefined || clock.monotonicMs() - lookedAtMs > LOOKED_MS) return undefined
    const { found } = await clusters.each(clusters.all(), (cluster) =>
      clusters.ofTrackers(cluster, pulledOf, { signal }),
    )
    const flows = found.flatMap(({ value }) => value)
    return flows.includes(undefined) || flows.length === 0 ? undefined : sum(flows, (flow) => flow ?? 0)
  }

  const measure = async (signal: AbortSignal) => {
    const [counts, pulledPerSecond] = await Promise.all([
      countsOf(counted(), { clock, signal }),
      pulled(signal),
      looks.see(signal),
    ])
    const sample = {
      atMs: clock.now(),
      downloads: sum(looks.known, ({ downloads }) => downloads),
      ...(before !== undefined && perSecond(before, counts)),
      ...(pulledPerSecond !== undefined && { pulledPerSecond }),
    }
    before = counts
    samples = [...samples.slice(1 - MAX_SAMPLES), sample]
    return SAMPLE_MS
  }

  const measuring = rounds(clock, {
    work: measure,
    onFailure: (err) => logger.warn('failed to measure the clusters', { err }),
    retryMs: SAMPLE_MS,
  })

  return {
    rounds: {
      ask: () => measuring.ask(),
      async start() {
        looks.start()
        await measuring.start()
      },
      async stop() {
        looks.stop()
        await measuring.stop()
      },
    },
    async now(options = {}) {
      lookedAtMs = clock.monotonicMs()
      await looks.refresh(options)
      return { atMs: clock.now(), clusters: looks.known, samples }
    },
  }
}
