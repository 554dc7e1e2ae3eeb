import {
  type AbortOptions,
  appError,
  background,
  isAbort,
  type Startable,
  throwIfAborted,
  tokenBucket,
} from '../../../lib/base/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import { underLease } from '../looks/under-lease.ts'
import type { LeasesComponents } from '../replication/leases.ts'
import type { UpstreamRecordsConfig } from './config.ts'
import { type TrimComponents, trimRecords } from './trim-records.ts'

/**
 * ```
 * upstreams/
 * ├── trimmed           when the records of upstreams were last looked through
 * ├── lease/<shard>     who does it; there is one shard
 * └── members/<id>      who wants to
 * ```
 * In the backend of the index, or of the replication where the index is a registry.
 */
const keys = {
  trimmed: 'upstreams/trimmed',
  lease: (shard: number) => `upstreams/lease/${shard}`,
  members: 'upstreams/members/',
} as const

/** After so long another build-index takes over from one that is gone. */
const LEASE_MS = 15_000
/** Between two looks whether it is time, at most. */
const MAX_PAUSE_MS = 600_000

export interface RecordsKeeperInit {
  readonly intervalMs: number
  /** Looks through all records once. */
  readonly trim: (options: AbortOptions) => Promise<void>
}

/** Has the records of upstreams looked through now and then, by one build-index of the cluster. Stop it before the backend. */
export function recordsKeeper(components: LeasesComponents, { intervalMs, trim }: RecordsKeeperInit): Startable {
  const { clock, random, logger, records } = components
  let tasks = background(() => undefined)

  const isDue = async (options: AbortOptions) => {
    const last = (await records.read(keys.trimmed, atMsIn, options))?.value
    return last === undefined || clock.now() >= last + intervalMs
  }
  const work = async (options: AbortOptions) => {
    if (!(await isDue(options))) return
    await trim(options)
    await records.set(keys.trimmed, { atMs: clock.now() }, options)
  }
  const lease = {
    place: { of: 'records of upstreams', lease: keys.lease, members: keys.members },
    leaseMs: LEASE_MS,
    busy: () => appError('ABORTED', { message: 'another build-index does it' }),
  }

  return {
    async start() {
      tasks = background((task, err) => logger.error('background task failed', { task, err }))
      tasks.run('bounds the records of upstreams', async (signal) => {
        for (;;) {
          await clock.sleep(Math.min(MAX_PAUSE_MS, intervalMs) * (0.5 + random.next() / 2), { signal })
          try {
            if (await isDue({ signal })) await underLease(components, lease, work, { signal })
          } catch (err) {
            throwIfAborted(signal)
            if (!isAbort(err)) logger.warn('records of upstreams were not looked through; it is tried again', { err })
          }
        }
      })
    },
    stop: () => tasks.stop(),
  }
}

export interface OpenRecordsKeeperComponents
  extends LeasesComponents,
    Pick<TrimComponents, 'isUpstream'>,
    Pick<Runtime, 'metrics'> {}

/** By the config, with its metrics. */
export function openRecordsKeeper(
  components: OpenRecordsKeeperComponents,
  { interval: intervalMs, rate, ...bounds }: UpstreamRecordsConfig,
): Startable {
  const { metrics, clock } = components
  const left = metrics.gauge({
    name: 'shoal_upstream_records',
    help: 'Answers of registries of others that are recorded, when this process looked through them last.',
  })
  const removed = metrics.counter(
    { name: 'shoal_upstream_records_removed_total', help: 'Records of such answers that were removed, by why.' },
    ['why'],
  )
  const pace = tokenBucket(clock, { ratePerSecond: rate, burst: Math.max(rate, 1) })
  const onRemoved = (why: 'age' | 'share') => removed.with({ why }).add()
  const trim = async (options: AbortOptions) =>
    left.with({}).set(await trimRecords({ ...components, pace, onRemoved }, bounds, options))
  return recordsKeeper(components, { intervalMs, trim })
}

/** @throws when it is none */
function atMsIn(value: unknown): number {
  const { atMs } = Object(value) as { readonly atMs?: unknown }
  if (typeof atMs !== 'number') throw new TypeError('no time in the record')
  return atMs
}
