import { sql } from 'kysely'
import type { AuditRow } from '../../lib/api/index.ts'
import { appError, type Clock, parseJson, type Rounds, rounds } from '../../lib/base/index.ts'
import type { PageRequest } from '../../lib/http/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'
import { idAt, type ManagerDatabase } from './database/index.ts'

/** What rows of the audit are wanted; those that fit everything that is given. */
export interface AuditFilter {
  readonly actor?: string | undefined
  /** Such as `user.create`. */
  readonly action?: string | undefined
  readonly target?: string | undefined
  /** Not before, and before; milliseconds since the epoch. */
  readonly fromMs?: number | undefined
  readonly untilMs?: number | undefined
}

/** Reads who has changed what. */
export interface AuditLog {
  /** The newest first. */
  page(
    asked: PageRequest,
    filter?: AuditFilter,
  ): Promise<{ readonly audit: readonly AuditRow[]; readonly next?: string }>
  /** Forgets rows from before that time, some at a time; whether there were none left. */
  forget(beforeMs: number): Promise<boolean>
}

/** Rows that are forgotten in one transaction. */
const FORGOTTEN_AT_ONCE = 1_000

/** What a query says of the filter. @throws BODY_INVALID */
export function auditFilter(query: URLSearchParams): AuditFilter {
  const timeIn = (name: string) => {
    const text = query.get(name)
    if (text === null) return undefined
    if (!/^\d{1,15}$/.test(text)) throw appError('BODY_INVALID', { message: `${name} is a time in milliseconds` })
    return Number(text)
  }
  const textIn = (name: string) => query.get(name) ?? undefined
  return {
    ...{ actor: textIn('actor'), action: textIn('action'), target: textIn('target') },
    ...{ fromMs: timeIn('from'), untilMs: timeIn('until') },
  }
}

/** A row's place in the order of a filtered list. It is its id; but no index has it by itself, only behind what is filtered by. */
const idInList = sql<string>`id || ''`

const earlier = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || (b !== undefined && b < a) ? b : a

export function auditLog({ database }: { readonly database: Pick<ManagerDatabase, 'read' | 'keep'> }): AuditLog {
  /**
   * Those that fit, the newest first, by the index of just what is filtered by. Nothing but such an index has their order: a database
   * that takes columns to be independent of each other reads all rows in the order of their ids else, to find what never meets.
   */
  const fitting = ({ actor, action, target, fromMs, untilMs }: AuditFilter, last: string | undefined) => {
    let query = database.read.selectFrom('audit').selectAll()
    if (actor !== undefined) query = query.where('actor', '=', actor)
    if (target !== undefined) query = query.where('target', '=', target)
    if (action !== undefined) query = query.where('action', '=', action)
    const id = [actor, target, action].every((each) => each === undefined) ? sql<string>`id` : idInList
    // Ids begin with the time. No more than one bound at each end: SQLite takes another index for two.
    if (fromMs !== undefined) query = query.where(id, '>=', idAt(fromMs))
    const end = earlier(untilMs === undefined ? undefined : idAt(untilMs), last)
    if (end !== undefined) query = query.where(id, '<', end)
    return query.orderBy(id, 'desc')
  }
  return {
    async page({ count, last }, filter = {}) {
      const rows = await fitting(filter, last)
        .limit(count + 1)
        .execute()
      const shown = rows.slice(0, count)
      const audit = shown.map(({ detail, outcome, code, ...row }) => ({
        ...row,
        ...(detail !== null && { detail: parseJson(detail) }),
        ...(outcome !== null && { outcome: outcome as NonNullable<AuditRow['outcome']> }),
        ...(code !== null && { code }),
      }))
      const next = rows.length > count ? shown.at(-1)?.id : undefined
      return { audit, ...(next !== undefined && { next }) }
    },
    forget: (beforeMs) =>
      database.keep(async (tx) => {
        const old = await tx
          .selectFrom('audit')
          .select('id')
          .where('id', '<', idAt(beforeMs))
          .orderBy('id')
          .limit(FORGOTTEN_AT_ONCE)
          .execute()
        const last = old.at(-1)?.id
        if (last !== undefined) await tx.deleteFrom('audit').where('id', '<=', last).execute()
        return old.length < FORGOTTEN_AT_ONCE
      }),
  }
}

const FORGET_MS = 60 * 60_000
const RETRY_MS = 60_000

/** Forgets what is older than `keepMs`. */
export const auditKeeping = (
  { audit, clock, logger }: { readonly audit: AuditLog; readonly clock: Clock; readonly logger: Logger },
  keepMs: number,
): Rounds =>
  rounds(clock, {
    retryMs: RETRY_MS,
    onFailure: (err) => logger.warn('failed to forget old rows of the audit', { err }),
    work: async () => ((await audit.forget(clock.now() - keepMs)) ? FORGET_MS : 0),
  })
