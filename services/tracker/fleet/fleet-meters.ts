import type { JobKind } from '../../../lib/api/index.ts'
import type { Metrics } from '../../../lib/telemetry/index.ts'

/** What became of an order: it was given, it ended, or it is to be given again. */
export type OrderOutcome = 'given' | 'done' | 'failed' | 'again' | 'cancelled'

export interface FleetMeters {
  order(kind: JobKind, outcome: OrderOutcome): void
  /** Hosts that listen, hosts that work, and jobs that have not ended. */
  note(now: {
    readonly listening: number
    readonly working: number
    readonly waiting: number
    readonly running: number
  }): void
}

export function fleetMeters(metrics: Metrics): FleetMeters {
  const orders = metrics.counter(
    { name: 'shoal_tracker_orders_total', help: 'Orders to hosts, by kind and by what became of them.' },
    ['kind', 'outcome'],
  )
  const jobs = metrics.gauge({ name: 'shoal_tracker_jobs', help: 'Jobs for hosts that have not ended, by state.' }, [
    'state',
  ])
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }).with({})
  const listeners = gauge('shoal_tracker_listening_hosts', 'Hosts that come here for orders.')
  const workers = gauge('shoal_tracker_working_hosts', 'Orders that hosts work on now.')
  return {
    order: (kind, outcome) => orders.with({ kind, outcome }).add(),
    note({ listening, working, waiting, running }) {
      listeners.set(listening)
      workers.set(working)
      jobs.with({ state: 'waiting' }).set(waiting)
      jobs.with({ state: 'running' }).set(running)
    },
  }
}
