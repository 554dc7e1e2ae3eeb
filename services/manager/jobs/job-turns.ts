import type { OpenJob } from './job-ledger.ts'

/** Jobs that are brought to their end at the same time, which were cancelled or have passed their time. */
export const MAX_ENDING_JOBS = 64

/** Which jobs are done now. */
export interface JobTurns {
  /** Those that begin now, of all that have not ended, the oldest first. One that waits for registries alone has no turn. */
  take(open: readonly OpenJob[], nowMs: number): readonly OpenJob[]
  /** It is not worked at any more; one that was stuck comes again behind all others. */
  leave(id: string, wasStuck: boolean): void
  /** Some have no turn. */
  crowded(): boolean
}

/** So many jobs at once in the order in which they came. What is only to end needs no place of those. */
export function jobTurns(atOnce: number): JobTurns {
  const running = new Map<string, { readonly ends: boolean }>()
  /** In the order in which they left. */
  const stuck = new Set<string>()
  let isCrowded = false
  const free = (ends: boolean): boolean => {
    const taken = [...running.values()].filter((each) => each.ends === ends).length
    return taken < (ends ? MAX_ENDING_JOBS : atOnce)
  }
  return {
    take(open, nowMs) {
      const jobs = new Map(open.map((job) => [job.id, job]))
      for (const id of stuck) if (!jobs.has(id)) stuck.delete(id)
      const rest = open.filter(({ id }) => !running.has(id))
      const again = [...stuck].flatMap((id) => rest.filter((job) => job.id === id))
      const taken: OpenJob[] = []
      isCrowded = false
      for (const job of [...rest.filter(({ id }) => !stuck.has(id)), ...again]) {
        const ends = job.cancelAtMs !== null || nowMs > job.untilMs || job.left === 'nothing'
        if (!ends && job.left === 'resolve') continue
        if (free(ends)) {
          running.set(job.id, { ends })
          taken.push(job)
        } else if (!ends) isCrowded = true
      }
      return taken
    },
    leave(id, wasStuck) {
      running.delete(id)
      stuck.delete(id)
      if (wasStuck) stuck.add(id)
    },
    crowded: () => isCrowded,
  }
}
