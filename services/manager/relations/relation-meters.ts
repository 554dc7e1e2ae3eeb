import { relationStates } from '../../../lib/api/index.ts'
import type { Metrics } from '../../../lib/telemetry/index.ts'

export interface RelationMeters {
  /** The states of all build-indexes. */
  buildIndexes(states: readonly string[]): void
  failed(): void
}

export function relationMeters(metrics: Metrics): RelationMeters {
  const buildIndexes = metrics.gauge(
    {
      name: 'shoal_manager_relation_build_indexes',
      help: 'Build-indexes, by whether they have the relations of this manager.',
    },
    ['state'],
  )
  const failures = metrics
    .counter({ name: 'shoal_manager_relation_failures_total', help: 'Rounds of relations that failed.' })
    .with({})
  return {
    buildIndexes(states) {
      for (const state of relationStates)
        buildIndexes.with({ state }).set(states.filter((each) => each === state).length)
    },
    failed: () => failures.add(),
  }
}
