import type { OpenJob } from './job-ledger.ts'

/** Jobs that are brought to their end at the same time, which were cancelled or have passed their time. */
export const MAX_ENDING_JOBS = 64

/**
 * Why a job has left its place. `silent`: nobody has answered at all; `stuck`: nobody does any more, so something of it may go on elsewhere.
 * `ended`: anything else.
 */
export type Leaving = 'ended' | 'silent' | 'stuck'

/** Which jobs are done now. */
export interface JobTurns {
  /** Those that begin now, of all that have not ended, the oldest first. One that waits for registries alone has no turn. */
  take(open: readonly OpenJob[], nowMs: number): readonly OpenJob[]
  /**
   * It is not worked at any more. One that was stuck comes again in turn with those that have not begun, so that neither keep the others
   * from a place; one of which nobody has answered yet comes behind all of those.
   */
  leave(id: string, how: Leaving): void
  /** Some have no turn. */
  crowded(): boolean
}

/** One of these, then one of those, as long as there are both. */
function inTurn<T>(first: readonly T[], second: readonly T[]): readonly T[] {
  const length = Math.max(first.length, second.length)
  return Array.from({ length }, (_, i) => [...first.slice(i, i + 1), ...second.slice(i, i + 1)]).flat()
}

/** So many jobs at once in the order in which they came. What is only to end needs no place of those. */
export function jobTurns(atOnce: number): JobTurns {
  const running = new Map<string, { readonly ends: boolean }>()
  /** In the order in which they left. */
  const left = new Set<string>()
  /** Those of which somebody has answered once. */
  const begun = new Set<string>()
  /** The next place is for one of those. */
  let isForBegun = true
  let isCrowded = false
  const free = (ends: boolean): boolean => {
    const taken = [...running.values()].filter((each) => each.ends === ends).length
    return taken < (ends ? MAX_ENDING_JOBS : atOnce)
  }
  return {
    take(open, nowMs) {
      const jobs = new Set(open.map(({ id }) => id))
      for (const ids of [left, begun]) for (const id of ids) if (!jobs.has(id)) ids.delete(id)
      const toEnd = (job: OpenJob) => job.cancelAtMs !== null || nowMs > job.untilMs || job.left === 'nothing'
      const rest = open.filter((job) => !running.has(job.id) && (job.left !== 'resolve' || toEnd(job)))
      const able = new Map(rest.map((job) => [job.id, job]))
      const again = [...left].flatMap((id) => able.get(id) ?? [])
      const ours = again.filter(({ id }) => begun.has(id))
      const others = [...rest.filter(({ id }) => !left.has(id)), ...again.filter(({ id }) => !begun.has(id))]
      const taken: OpenJob[] = []
      isCrowded = false
      for (const job of isForBegun ? inTurn(ours, others) : inTurn(others, ours)) {
        const ends = toEnd(job)
        if (free(ends)) {
          running.set(job.id, { ends })
          taken.push(job)
          if (!ends) isForBegun = !begun.has(job.id)
        } else if (!ends) isCrowded = true
      }
      return taken
    },
    leave(id, how) {
      running.delete(id)
      left.delete(id)
      if (how === 'ended') return
      left.add(id)
      if (how === 'stuck') begun.add(id)
    },
    crowded: () => isCrowded,
  }
}
