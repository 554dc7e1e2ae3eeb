import type { JobKind, JobState } from '../../../lib/api/index.ts'
import type { Metrics } from '../../../lib/telemetry/index.ts'

/** What became of an order, by the state of its host. */
const outcomes: Readonly<Record<Exclude<JobState, 'running'>, string>> = {
  waiting: 'again',
  done: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
}

export interface FleetMeters {
  given(kind: JobKind): void
  /** A host was given an order, and this is its state now. */
  became(kind: JobKind, state: JobState): void
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
    given: (kind) => orders.with({ kind, outcome: 'given' }).add(),
    became(kind, state) {
      if (state !== 'running') orders.with({ kind, outcome: outcomes[state] }).add()
    },
    note({ listening, working, waiting, running }) {
      listeners.set(listening)
      workers.set(working)
      jobs.with({ state: 'waiting' }).set(waiting)
      jobs.with({ state: 'running' }).set(running)
    },
  }
}
