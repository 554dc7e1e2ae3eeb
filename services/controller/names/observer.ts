import { type ErrorCode, toAppError } from '../../../lib/base/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import { type KubeEvents, resources } from '../kubernetes/index.ts'
import type { KeeperObserver } from './keeper.ts'
import type { PodFacts } from './pods.ts'
import type { RecordKey } from './record-key.ts'

export interface ObserverComponents {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly events: KubeEvents
  /** The pod that has an address now. */
  readonly podAt: (address: string) => PodFacts | undefined
}

const failures = ['ZONE_UNAVAILABLE', 'ZONE_THROTTLED', 'ZONE_DENIED', 'ZONE_REFUSED'] as const
const labelOf = (code: ErrorCode) => failures.find((known) => known === code) ?? 'other'

/** Tells of the records in metrics, in the log, and as events of the pods. */
export function observer({ logger, metrics, events, podAt }: ObserverComponents): KeeperObserver {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }).with({})
  const published = gauge('shoal_names_records', 'Records of ours in the zone, when it was read last.')
  const caches = gauge('shoal_names_caches', 'Pods that may be caches.')
  const eligible = gauge('shoal_names_eligible_caches', 'Pods that are named, or could be.')
  const kept = gauge('shoal_names_kept', 'Names whose records all lead to caches that must not be asked.')
  const written = metrics.counter(
    { name: 'shoal_names_records_written_total', help: 'Records that were put or removed.' },
    ['op'],
  )
  const failed = metrics.counter({ name: 'shoal_names_failures_total', help: 'Calls of the zone that failed.' }, [
    'op',
    'outcome',
  ])

  const tell = (what: 'put' | 'remove', { name, address }: RecordKey) => {
    const object = podAt(address)
    if (object === undefined) return
    const about = { resource: resources.pods, object }
    if (what === 'put')
      events.tell({ about, type: 'Normal', reason: 'CacheNamed', message: `${address} is one of ${name}` })
    else events.tell({ about, type: 'Normal', reason: 'CacheLeft', message: `${address} is no more of ${name}` })
  }

  return {
    written(what, records) {
      written.with({ op: what }).add(records.length)
      for (const record of records) {
        logger.info(what === 'put' ? 'put a record' : 'removed a record', {
          name: record.name,
          address: record.address,
        })
        tell(what, record)
      }
    },
    failed(call, err) {
      failed.with({ op: call, outcome: labelOf(toAppError(err).code) }).add()
      logger.warn('the zone did not do what it was asked for', { call, err })
    },
    looked({ found, judgement }) {
      published.set((found ?? []).filter(({ own }) => own).length)
      caches.set(judgement?.verdicts.length ?? 0)
      const good = (judgement?.verdicts ?? []).filter(({ why }) => why === undefined || why === 'surplus')
      eligible.set(good.length)
      const names = new Map<string, boolean>()
      for (const { name, address, own } of found ?? [])
        if (own) names.set(name, names.get(name) === true || judgement?.standing(address) === 'good')
      kept.set(judgement === undefined ? 0 : [...names.values()].filter((hasGood) => !hasGood).length)
    },
  }
}
