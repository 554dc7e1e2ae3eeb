import type { Job, JobRow, JobState } from '../state/jobs.ts'

/** Rows that a page keeps; of more, those that are done go first. */
const MAX_ROWS = 5000
/** Speed is that of the last seconds. */
const PACE_MS = 10_000

/** A job as it is followed: what it is now, the rows that have been told, and how its bytes grew. */
export interface JobProgress {
  readonly job: Job | undefined
  readonly rows: ReadonlyMap<string, JobRow>
  /** There were more rows than are kept. */
  readonly cut: boolean
  readonly pace: readonly (readonly [atMs: number, doneBytes: number])[]
}

export const noProgress: JobProgress = { job: undefined, rows: new Map(), cut: false, pace: [] }

export const isOpen = (state: JobState): boolean => state === 'waiting' || state === 'running'

/** A blob that one origin could not bring is asked for at another one: that is the same row, unless each origin brings it. */
const keyOf = ({ part, host, blob }: JobRow, everyOrigin: boolean): string =>
  blob === undefined ? `${part}/${host}` : everyOrigin ? `${part}/${blob}/${host}` : `${part}/${blob}`

export function withRows(progress: JobProgress, told: readonly JobRow[], everyOrigin: boolean): JobProgress {
  const rows = new Map(progress.rows)
  for (const row of told) {
    const key = keyOf(row, everyOrigin)
    // Before it was known which blob it is.
    if (row.blob !== undefined) rows.delete(`${row.part}/${row.host}`)
    // After a broken stream the manager may tell again what is known already.
    if ((rows.get(key)?.seq ?? -1) <= row.seq) rows.set(key, row)
  }
  return { ...progress, rows: bounded(rows), cut: progress.cut || rows.size > MAX_ROWS }
}

function bounded(rows: ReadonlyMap<string, JobRow>): ReadonlyMap<string, JobRow> {
  if (rows.size <= MAX_ROWS) return rows
  const byWorth = [...rows].toSorted(([, a], [, b]) => Number(a.state === 'done') - Number(b.state === 'done'))
  return new Map(byWorth.slice(0, MAX_ROWS))
}

export function withJob(progress: JobProgress, job: Job, atMs: number): JobProgress {
  const pace = [...progress.pace.filter(([at]) => atMs - at <= PACE_MS), [atMs, job.doneBytes] as const]
  return { ...progress, job, pace }
}

/** Bytes per second of a job that runs; undefined before there is anything to compare. */
export function speedOf({ job, pace }: Pick<JobProgress, 'job' | 'pace'>): number | undefined {
  const [first, last] = [pace[0], pace.at(-1)]
  if (job === undefined || job.state !== 'running' || first === undefined || last === undefined) return undefined
  const [[fromMs, before], [toMs, after]] = [first, last]
  return toMs - fromMs < 500 ? undefined : (Math.max(0, after - before) * 1000) / (toMs - fromMs)
}

const order: readonly JobState[] = ['failed', 'running', 'waiting', 'cancelled', 'done']

/** Rows in one state, or all; those that somebody has to look at come first. */
export const rowsIn = (rows: ReadonlyMap<string, JobRow>, state?: JobState): readonly JobRow[] =>
  [...rows.values()]
    .filter((row) => state === undefined || row.state === state)
    .toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || b.seq - a.seq)

/** How many hosts and blobs failed by each code, the most first. */
export function failuresOf(rows: ReadonlyMap<string, JobRow>): readonly (readonly [code: string, count: number])[] {
  const counts = new Map<string, number>()
  for (const { state, code } of rows.values())
    if (state === 'failed') counts.set(code ?? 'UNKNOWN', (counts.get(code ?? 'UNKNOWN') ?? 0) + 1)
  return [...counts].toSorted(([, a], [, b]) => b - a)
}

/** How much of a job is done, of bytes where they are known, else of hosts and blobs. */
export function shareDone({ bytes, doneBytes, rows }: Pick<Job, 'bytes' | 'doneBytes' | 'rows'>): {
  readonly done: number
  readonly of: number
} {
  if (bytes > 0) return { done: doneBytes, of: bytes }
  return { done: rows.done + rows.failed + rows.cancelled, of: Object.values(rows).reduce((a, b) => a + b, 0) }
}
