import type { Startable } from '../../../lib/base/index.ts'
import type { ManagerDatabase } from '../database/index.ts'

/** By this whoever has a duty writes: nothing any more once somebody else has it. */
export type DutyWriter = Pick<ManagerDatabase, 'keep' | 'change'>

/** Work that one manager of all those of a database does; `signal` fires when it is no longer this one. */
export type Duty = (name: string, work: (writer: DutyWriter, signal: AbortSignal) => Promise<void>) => Startable
