import { type Clock, isAbort, isAppError, type Random } from '../../lib/base/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'
import { type AuditEntry, type ManagerDatabase, newId } from './database/index.ts'

export interface ActsComponents {
  readonly database: Pick<ManagerDatabase, 'change' | 'keep'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  readonly logger: Logger
}

/** Work calls it once a part of the act is done, or somebody who was asked did not answer: what is refused after that may be done. */
export type MayBeDone = () => void

/**
 * Has another service do something that somebody asked for. Its row of the audit is durable before `work` begins, with the outcome
 * `unknown`, which stays when this process dies or nobody answers; afterwards it says `done`, or `refused` and why, which it does not
 * say of what may be done.
 * @throws what `work` throws, and what the database throws, before which nothing is done
 */
export type Act = <T>(entry: AuditEntry, work: (mayBeDone: MayBeDone) => Promise<T>) => Promise<T>

/** The code of who has answered that he does not do it; whoever did not answer may have done it. */
export const refusalIn = (err: unknown): string | undefined =>
  isAppError(err) && !isAbort(err) && err.status >= 400 && err.status < 500 && !err.retryable ? err.code : undefined

export function acts({ database, clock, random, logger }: ActsComponents): Act {
  const settle = async (id: string, outcome: 'done' | 'refused', code: string | null) => {
    try {
      await database.keep((tx) => tx.updateTable('audit').set({ outcome, code }).where('id', '=', id).execute())
    } catch (err) {
      // The act is what it is; its row goes on saying that its outcome is unknown.
      logger.warn('failed to note what became of an act', { row: id, outcome, err })
    }
  }
  return async (entry, work) => {
    const id = newId({ clock, random })
    await database.change({ ...entry, id, outcome: 'unknown' }, () => Promise.resolve())
    const seen = { mayBeDone: false }
    const mayBeDone = () => {
      seen.mayBeDone = true
    }
    try {
      const done = await work(mayBeDone)
      await settle(id, 'done', null)
      return done
    } catch (err) {
      const code = refusalIn(err)
      if (code !== undefined && !seen.mayBeDone) await settle(id, 'refused', code)
      throw err
    }
  }
}
