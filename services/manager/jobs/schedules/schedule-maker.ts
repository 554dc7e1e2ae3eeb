import { managerApi } from '../../../../lib/api/index.ts'
import { appError, type Clock } from '../../../../lib/base/index.ts'
import type { ManagerDatabase } from '../../database/index.ts'
import { hasNeed } from '../../managed.ts'
import { grantsOfActor } from '../../people/giver.ts'
import type { GivenSchedule } from './schedule-store.ts'

/** Asks whether who has set a schedule may give jobs now. @throws SCHEDULE_RIGHTS_LOST */
export type RequireMaker = (schedule: Pick<GivenSchedule, 'giver'>) => Promise<void>

export interface ScheduleMakerComponents {
  readonly database: Pick<ManagerDatabase, 'read'>
  readonly clock: Pick<Clock, 'now'>
}

/** By the rights of this moment, as if he gave the job himself. */
export const requireMaker =
  ({ database, clock }: ScheduleMakerComponents): RequireMaker =>
  async ({ giver }) => {
    const grants = await grantsOfActor(database.read, clock, giver)
    const { actor } = giver
    if (hasNeed({ name: actor, rights: [], grants }, managerApi.createJob.needs)) return
    throw appError('SCHEDULE_RIGHTS_LOST', { detail: { by: actor } })
  }
