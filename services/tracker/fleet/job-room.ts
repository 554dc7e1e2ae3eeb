import { appError } from '../../../lib/base/index.ts'
import type { JobRun } from './job-run.ts'

/** Jobs that have not ended. */
export const MAX_OPEN = 256
/** Hosts of all jobs together, about 500 bytes each. */
const MAX_ROWS = 50_000

/** The place of a job that is being made. */
export interface Place {
  /**
   * Takes room for the hosts of the job; the result are jobs that have ended and must be forgotten for it, of those
   * that there are. @throws JOBS_FULL
   */
  rows(hosts: number, all: readonly JobRun[]): readonly JobRun[]
  /** The job was made and is counted as such, or will not be made. */
  leave(): void
}

/** How many jobs, and hosts of them, there may be. */
export interface JobRoom {
  /**
   * Call it before anything is waited for: jobs that are being made count too, so that a burst passes no limit.
   * @throws JOBS_FULL
   */
  enter(open: number): Place
}

const rowsOf = (runs: readonly JobRun[]) => runs.reduce((sum, { rows }) => sum + rows.length, 0)

export function jobRoom(): JobRoom {
  const making = new Map<Place, number>()
  const take = (place: Place, hosts: number, all: readonly JobRun[]) => {
    const wanted = [...making.values()].reduce((sum, rows) => sum + rows, hosts)
    const ended = all.filter(({ job }) => job.ended !== undefined)
    let rows = rowsOf(all) + wanted
    if (rows - rowsOf(ended) > MAX_ROWS) throw appError('JOBS_FULL')
    making.set(place, hosts)
    const forgotten: JobRun[] = []
    for (let last = ended.pop(); last !== undefined && rows > MAX_ROWS; last = ended.pop()) {
      rows -= last.rows.length
      forgotten.push(last)
    }
    return forgotten
  }
  return {
    enter(open) {
      if (open + making.size >= MAX_OPEN) throw appError('JOBS_FULL')
      const place: Place = {
        rows: (hosts, all) => take(place, hosts, all),
        leave: () => void making.delete(place),
      }
      making.set(place, 0)
      return place
    },
  }
}
