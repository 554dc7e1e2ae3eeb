import type { PullEnd } from '../../lib/api/index.ts'
import { errorTable } from '../../lib/base/index.ts'

const statusOf: ReadonlyMap<string, number> = new Map(
  Object.entries(errorTable).map(([code, { status }]) => [code, status]),
)

/**
 * How a pull ended for whoever compares settings. Undefined when that says nothing of the host: its reader has left, read
 * nothing, or asked for what there is not.
 */
export function pullEnd(outcome: string): PullEnd | undefined {
  if (outcome === 'done') return 'done'
  if (outcome === 'STALLED') return 'stalled'
  return (statusOf.get(outcome) ?? 0) >= 500 ? 'failed' : undefined
}
