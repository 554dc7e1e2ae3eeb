import { hasCode, isAbort, isAppError } from '../../../lib/base/index.ts'
import type { Metrics } from '../../../lib/telemetry/index.ts'
import { isAway } from './failures.ts'

const outcomes = ['done', 'refused', 'failed'] as const

/**
 * What became of a change. `refused`: a rule said no, as to a name that is taken. `failed`: the database did not take it and its
 * row of the audit, or there is a fault. Pure.
 */
function changeOutcome(err: unknown): (typeof outcomes)[number] {
  if (isAway(err) || hasCode(err, 'DATABASE_BUSY')) return 'failed'
  return isAppError(err) || isAbort(err) ? 'refused' : 'failed'
}

/** Counts changes, each of which has its row of the audit; what alerts compare is there before the first one. */
export function changeMeters(metrics: Metrics): <T>(change: Promise<T>) => Promise<T> {
  const family = metrics.counter(
    { name: 'shoal_manager_changes_total', help: 'Changes that somebody asked for, by outcome.' },
    ['outcome'],
  )
  for (const outcome of outcomes) family.with({ outcome }).add(0)
  return async (change) => {
    try {
      const done = await change
      family.with({ outcome: 'done' }).add()
      return done
    } catch (err) {
      family.with({ outcome: changeOutcome(err) }).add()
      throw err
    }
  }
}
