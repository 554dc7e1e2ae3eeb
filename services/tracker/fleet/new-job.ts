import type { JobBody, KeptJob, KeptRow } from '../../../lib/api/index.ts'
import type { Random } from '../../../lib/base/index.ts'
import { nothingDone } from './progress.ts'
import { type Chosen, whereIs } from './scope.ts'
import type { Target } from './targets.ts'

/** Time limits where none is given, in seconds. */
const QUERY_SECONDS = 60
const WORK_SECONDS = 3_600

/** In the order of the time when they were made. */
export function newJobId(random: Random, nowMs: number): string {
  return `${nowMs.toString(36).padStart(9, '0')}-${Buffer.from(random.bytes(4)).toString('hex')}`
}

export interface NewJobFacts extends Pick<KeptJob, 'id' | 'by' | 'createdAtMs' | 'atOnce'> {
  readonly target: Target
}

/** A job as it is kept; `atOnce` of the facts holds where the admin says nothing. */
export function newJob(body: JobBody, { target, id, by, createdAtMs, atOnce }: NewJobFacts): KeptJob {
  const { kind, hosts, zone, all, count, percent, platforms, limitSeconds, key } = body
  const seconds = limitSeconds ?? (kind === 'query' ? QUERY_SECONDS : WORK_SECONDS)
  return {
    ...{ id, kind, target: body.target, ...target, scope: { hosts, zone, all, count, percent } },
    ...{ platforms, atOnce: body.atOnce ?? atOnce, by, key, createdAtMs },
    untilMs: createdAtMs + seconds * 1000,
  }
}

/** One of its hosts. */
export function newRow(chosen: Chosen): KeptRow {
  const begin = { state: 'waiting', attempts: 0, progress: nothingDone } as const
  if (!('host' in chosen)) return { ...begin, host: chosen.named }
  const { host, named } = chosen
  return { ...begin, ...whereIs(host), ...(named !== undefined && named !== host.id && { named }) }
}

/** What must be the same for one key. */
export function contentOf(of: JobBody | KeptJob): string {
  const { hosts, zone, all, count, percent } = 'scope' in of ? of.scope : of
  return JSON.stringify([of.kind, of.target, hosts, zone, all, count, percent, of.platforms])
}
