import type { RolloutEvent, RolloutLook, RolloutState } from '../../../lib/api/index.ts'
import { appError, type Clock, parseJson } from '../../../lib/base/index.ts'
import type { PageRequest } from '../../../lib/http/index.ts'
import type { ManagerDatabase, Reader, Tx } from '../database/index.ts'
import { nextNumber } from './numbers.ts'
import { afterAct, type RolloutAct } from './progress.ts'
import { noteEvent } from './rollout-events.ts'
import type { Page } from './settings-store.ts'
import { progressRow, type Rollout, rolloutOf, slotText } from './slot.ts'

export interface StepRow {
  readonly step: number
  readonly beganAtMs: number
  readonly endedAtMs: number | undefined
  readonly look: RolloutLook | undefined
}

/** Who does something to a roll-out, and why. */
export interface Doing {
  readonly act: RolloutAct
  readonly actor: string
  readonly reason: string
}

/** Roll-outs, as people see them and change their course. */
export interface RolloutStore {
  /** The newest first. */
  page(asked: PageRequest, state: RolloutState | undefined): Promise<Page<Rollout>>
  /** @throws ROLLOUT_UNKNOWN */
  rollout(id: string): Promise<Rollout>
  steps(id: string): Promise<readonly StepRow[]>
  /** In the order in which they happened. */
  events(id: string, asked: PageRequest): Promise<Page<RolloutEvent>>
  /** @throws ROLLOUT_UNKNOWN, ROLLOUT_STATE */
  act(id: string, doing: Doing): Promise<Rollout>
}

export interface RolloutStoreComponents {
  readonly database: Pick<ManagerDatabase, 'read' | 'change'>
  readonly clock: Pick<Clock, 'now'>
}

export function rolloutStore({ database, clock }: RolloutStoreComponents): RolloutStore {
  return {
    async page({ count, last }, state) {
      let query = rolloutRows(database.read).orderBy('rollouts.id', 'desc')
      if (state !== undefined) query = query.where('rollouts.state', '=', state)
      if (last !== undefined) query = query.where('rollouts.id', '<', last)
      const rows = await query.limit(count + 1).execute()
      const shown = rows.slice(0, count)
      return { rows: shown.map(rolloutOf), next: rows.length > count ? shown.at(-1)?.id : undefined }
    },
    rollout: (id) => rolloutById(database.read, id),
    async steps(id) {
      const rows = await database.read
        .selectFrom('rolloutSteps')
        .selectAll()
        .where('rollout', '=', id)
        .orderBy('step')
        .execute()
      return rows.map(({ step, beganAtMs, endedAtMs, look }) => ({
        ...{ step, beganAtMs, endedAtMs: endedAtMs ?? undefined, look: lookOf(look) },
      }))
    },
    async events(id, { count, last }) {
      let query = database.read.selectFrom('rolloutEvents').selectAll().where('rollout', '=', id).orderBy('id')
      if (last !== undefined) query = query.where('id', '>', last)
      const rows = await query.limit(count + 1).execute()
      const shown = rows.slice(0, count).map(({ rollout: _, look, ...row }) => {
        const seen = lookOf(look)
        return { ...row, ...(seen !== undefined && { look: seen }) }
      })
      return { rows: shown, next: rows.length > count ? shown.at(-1)?.id : undefined }
    },
    act(id, doing) {
      const { act, actor, reason } = doing
      const entry = { actor, action: `rollout.${act}`, target: id, detail: { reason } }
      return database.change(entry, (tx) => change(tx, id, { ...doing, clock }))
    },
  }
}

const lookOf = (text: string | null): RolloutLook | undefined =>
  text === null ? undefined : (parseJson(text) as RolloutLook)

export const rolloutRows = (reader: Reader) =>
  reader
    .selectFrom('rollouts')
    .innerJoin('settingSlots', 'settingSlots.slot', 'rollouts.slot')
    .selectAll('rollouts')
    .select(['settingSlots.scope', 'settingSlots.kind'])

/** @throws ROLLOUT_UNKNOWN */
export async function rolloutById(reader: Reader, id: string): Promise<Rollout> {
  const row = await rolloutRows(reader).where('rollouts.id', '=', id).executeTakeFirst()
  if (row === undefined) throw appError('ROLLOUT_UNKNOWN', { detail: { id } })
  return rolloutOf(row)
}

/** @throws ROLLOUT_UNKNOWN, ROLLOUT_STATE */
async function change(
  tx: Tx,
  id: string,
  { act, actor, reason, clock }: Doing & Pick<RolloutStoreComponents, 'clock'>,
): Promise<Rollout> {
  const number = await nextNumber(tx)
  const rollout = await rolloutById(tx, id)
  const progress = afterAct(rollout.progress, act, Math.floor(clock.now()))
  if (act === 'rollBack') await takeBack(tx, rollout, number)
  await tx.updateTable('rollouts').set(progressRow(progress)).where('id', '=', id).execute()
  await noteEvent(tx, { clock }, { rollout: id, actor, act, step: progress.step, reason })
  return rolloutById(tx, id)
}

/** Makes the former version the wanted one everywhere, as the generation `number`. @throws ROLLOUT_STATE */
export async function takeBack(tx: Tx, rollout: Rollout, number: number): Promise<void> {
  const slot = slotText(rollout)
  const row = await tx.selectFrom('settingSlots').select('rollout').where('slot', '=', slot).executeTakeFirstOrThrow()
  if (row.rollout !== rollout.id)
    throw appError('ROLLOUT_STATE', { message: 'another version has followed; roll that one back, or set new values' })
  const touched = { touched: number }
  await tx
    .updateTable('settingSlots')
    .set({ ...touched, wanted: rollout.from ?? null })
    .where('slot', '=', slot)
    .execute()
  await tx.updateTable('rollouts').set(touched).where('id', '=', rollout.id).execute()
}
