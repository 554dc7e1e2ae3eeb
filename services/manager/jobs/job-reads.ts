import type { JobState } from '../../../lib/api/index.ts'
import type { Reader } from '../database/index.ts'
import { type JobSums, type Part, partColumns, partOf } from './model.ts'

/** The parts of a job; the contents of images, which may be much, only when the `whole` is wanted. */
export async function partsOfJob(read: Reader, id: string, whole: boolean): Promise<readonly Part[]> {
  const parts = read.selectFrom('jobParts').where('jobId', '=', id).orderBy('n')
  const rows = await (whole ? parts.selectAll() : parts.select(partColumns)).execute()
  return rows.map(partOf)
}

/** How many rows of a job are in which state, and their bytes. */
export async function sumsOfRows(read: Reader, id: string): Promise<JobSums> {
  const found = await read
    .selectFrom('jobRows')
    .select((eb) => [
      'state',
      eb.fn.countAll<number>().as('count'),
      eb.fn.sum<string | number | null>('bytes').as('bytes'),
      eb.fn.sum<string | number | null>('doneBytes').as('doneBytes'),
    ])
    .where('jobId', '=', id)
    .groupBy('state')
    .execute()
  const rows = { waiting: 0, running: 0, done: 0, failed: 0, cancelled: 0 }
  const together = (name: 'bytes' | 'doneBytes') =>
    Math.min(
      found.reduce((sum, each) => sum + Number(each[name] ?? 0), 0),
      Number.MAX_SAFE_INTEGER,
    )
  for (const { state, count } of found) rows[state as JobState] = count
  return { rows, bytes: together('bytes'), doneBytes: together('doneBytes') }
}
