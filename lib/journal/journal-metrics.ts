import type { Counter, Family, Gauge, Metrics } from '../telemetry/index.ts'

export interface JournalMetrics {
  readonly tasks: Family<Gauge, 'state'>
  /** Age of the oldest task, in seconds. */
  readonly oldest: Gauge
  readonly runs: Family<Counter, 'kind' | 'outcome'>
}

export function journalMetrics(metrics: Metrics): JournalMetrics {
  return {
    tasks: metrics.gauge({ name: 'shoal_journal_tasks', help: 'Tasks in the journal, by state.' }, ['state']),
    oldest: metrics
      .gauge({ name: 'shoal_journal_oldest_seconds', help: 'Age of the oldest task that is not done.' })
      .with({}),
    runs: metrics.counter({ name: 'shoal_journal_runs_total', help: 'Tries to do a task, by how they ended.' }, [
      'kind',
      'outcome',
    ]),
  }
}
