import type { JobState } from '../../../lib/api/index.ts'
import type { Reader } from '../database/index.ts'
import { type JobSums, type Part, partColumns, partOf } from './model.ts'

/** Which parts of a job, in their order; default: all. */
export interface PartsAsked {
  /** With the contents of images, which may be much. */
  readonly whole?: boolean
  /** This one alone. */
  readonly n?: number
  /** So many of those that have not ended. */
  readonly open?: number
  /** None of these clusters. */
  readonly without?: readonly string[]
}

export async function partsOfJob(
  read: Reader,
  id: string,
  { whole = false, n, open, without = [] }: PartsAsked = {},
): Promise<readonly Part[]> {
  let parts = read.selectFrom('jobParts').where('jobId', '=', id).orderBy('n')
  if (n !== undefined) parts = parts.where('n', '=', n)
  if (open !== undefined) parts = parts.where('state', 'in', ['waiting', 'running']).limit(open)
  if (without.length > 0) parts = parts.where('cluster', 'not in', without)
  const rows = await (whole ? parts.selectAll() : parts.select(partColumns)).execute()
  return rows.map(partOf)
}

/** What is left to do of a job: `resolve` when it waits for nothing but what registries say. */
export interface Left {
  readonly left: 'work' | 'resolve' | 'nothing'
  /** Changes as long as the manager lives that asks them. */
  readonly beat: string | null
}

/** What is left of those jobs that may have had credentials, and of which no cluster has anything to do. */
export async function leftOf(read: Reader): Promise<ReadonlyMap<string, Left>> {
  const open = ['waiting', 'running']
  const rows = await read
    .selectFrom('jobs')
    .where('state', 'in', open)
    .where('kind', '=', 'preheat')
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('jobParts')
            .select('n')
            .whereRef('jobId', '=', 'jobs.id')
            .where('jobParts.state', 'in', open)
            .where('step', '!=', 'resolve'),
        ),
      ),
    )
    .select((eb) => {
      const asked = eb
        .selectFrom('jobParts')
        .whereRef('jobId', '=', 'jobs.id')
        .where('jobParts.state', 'in', open)
        .where('step', '=', 'resolve')
      return [
        'id',
        asked.select((part) => part.fn.countAll<number>().as('count')).as('count'),
        asked.select((part) => part.fn.max('remoteId').as('beat')).as('beat'),
      ]
    })
    .execute()
  return new Map(rows.map(({ id, count, beat }) => [id, { left: Number(count) === 0 ? 'nothing' : 'resolve', beat }]))
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
