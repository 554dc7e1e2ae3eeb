import { type Clock, rounds, type Startable } from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { ManagerDatabase } from '../database/index.ts'

/** By this whoever has a duty writes: nothing any more once somebody else has it. */
export type DutyWriter = Pick<ManagerDatabase, 'keep' | 'change'>

/** Work that one manager of all those of a database does; `signal` fires when it is no longer this one. */
export type Duty = (name: string, work: (writer: DutyWriter, signal: AbortSignal) => Promise<void>) => Startable

const AGAIN_MS = 1_000

/** Where nobody else has the database. */
export const soleDuty =
  ({ clock, logger, database }: { clock: Clock; logger: Logger; database: DutyWriter }): Duty =>
  (name, work) =>
    rounds(clock, {
      retryMs: AGAIN_MS,
      onFailure: (err) => logger.warn('failed at a duty of this manager', { duty: name, err }),
      async work(signal) {
        await work(database, signal)
        return AGAIN_MS
      },
    })
