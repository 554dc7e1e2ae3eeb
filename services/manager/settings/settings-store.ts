import type { RolloutPlan } from '../../../lib/api/index.ts'
import { appError, type Clock, type Random } from '../../../lib/base/index.ts'
import type { PageRequest } from '../../../lib/http/index.ts'
import { type ManagerDatabase, newId, type Reader, type Tx } from '../database/index.ts'
import type { Values } from './diff.ts'
import type { WantedSlot } from './document.ts'
import { nextNumber } from './numbers.ts'
import { isActive, newProgress } from './progress.ts'
import { noteEvent } from './rollout-events.ts'
import { assertRoom } from './room.ts'
import { scopeText } from './scope.ts'
import { nobody } from './share.ts'
import { progressRow, type Slot, type SlotName, slotOf, slotText, type Version, versionOf } from './slot.ts'
import { wantedSlots } from './wanted.ts'

export interface Page<Row> {
  readonly rows: readonly Row[]
  /** Where the next page goes on. */
  readonly next: string | undefined
}

export interface NewVersion extends SlotName {
  readonly values: Values
  readonly author: string
  readonly reason: string
  readonly plan: RolloutPlan
  /** Everywhere at once: nothing is waited for. */
  readonly atOnce: boolean
}

/** A slot with the values that were set last. */
export type FilledSlot = Slot & { readonly values: Values }

/** Settings and their versions. What was made is never changed, only followed by another version. */
export interface SettingsStore {
  slots(asked: PageRequest): Promise<Page<Slot>>
  /** @throws SETTINGS_UNKNOWN */
  slot(name: SlotName): Promise<FilledSlot>
  /** The newest first. */
  versions(name: SlotName, asked: PageRequest): Promise<Page<Version>>
  /** @throws SETTINGS_UNKNOWN */
  version(version: number): Promise<Version>
  /**
   * Makes a version, and the roll-out of it. `check` sees what is there now, and throws when that is not what its caller
   * has seen. @throws ROLLOUT_ACTIVE, SETTINGS_FULL
   */
  set(made: NewVersion, check: (slot: FilledSlot | undefined) => void): Promise<FilledSlot>
  /** What hosts are to have, all of one moment. */
  wanted(): Promise<readonly WantedSlot[]>
}

export interface SettingsStoreComponents {
  readonly database: Pick<ManagerDatabase, 'read' | 'change' | 'snapshot'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

export function settingsStore({ database, clock, random }: SettingsStoreComponents): SettingsStore {
  return {
    async slots({ count, last }) {
      const all = slotRows(database.read)
        .orderBy('settingSlots.slot')
        .limit(count + 1)
      const rows = await (last === undefined ? all : all.where('settingSlots.slot', '>', last)).execute()
      const shown = rows.slice(0, count)
      return { rows: shown.map(slotOf), next: rows.length > count ? shown.at(-1)?.slot : undefined }
    },
    async slot(name) {
      const found = await filledSlot(database.read, name)
      if (found === undefined) throw appError('SETTINGS_UNKNOWN', { detail: { slot: slotText(name) } })
      return found
    },
    async versions(name, { count, last }) {
      const all = versionRows(database.read)
        .where('settingVersions.slot', '=', slotText(name))
        .orderBy('settingVersions.version', 'desc')
        .limit(count + 1)
      const rows = await (last === undefined ? all : all.where('settingVersions.version', '<', Number(last))).execute()
      const shown = rows.slice(0, count)
      const next = rows.length > count ? shown.at(-1)?.version : undefined
      return { rows: shown.map(versionOf), next: next === undefined ? undefined : String(next) }
    },
    async version(version) {
      const row = await versionRows(database.read).where('settingVersions.version', '=', version).executeTakeFirst()
      if (row === undefined) throw appError('SETTINGS_UNKNOWN', { detail: { version } })
      return versionOf(row)
    },
    set(made, check) {
      const entry = {
        ...{ actor: made.author, action: 'settings.set', target: slotText(made) },
        detail: { reason: made.reason },
      }
      return database.change(entry, (tx) => insertVersion(tx, made, { check, clock, random }))
    },
    wanted: () => database.snapshot(wantedSlots),
  }
}

const slotRows = (reader: Reader) =>
  reader
    .selectFrom('settingSlots')
    .innerJoin('rollouts', 'rollouts.id', 'settingSlots.rollout')
    .selectAll('settingSlots')
    .select('rollouts.state')

const versionRows = (reader: Reader) =>
  reader
    .selectFrom('settingVersions')
    .innerJoin('settingSlots', 'settingSlots.slot', 'settingVersions.slot')
    .selectAll('settingVersions')
    .select(['settingSlots.scope', 'settingSlots.kind'])

async function filledSlot(reader: Reader, name: SlotName): Promise<FilledSlot | undefined> {
  const row = await slotRows(reader).where('settingSlots.slot', '=', slotText(name)).executeTakeFirst()
  if (row === undefined) return undefined
  const latest = await versionRows(reader).where('settingVersions.version', '=', row.latest).executeTakeFirstOrThrow()
  return { ...slotOf(row), values: versionOf(latest).values }
}

interface InsertInit extends Pick<SettingsStoreComponents, 'clock' | 'random'> {
  readonly check: (slot: FilledSlot | undefined) => void
}

async function insertVersion(tx: Tx, made: NewVersion, { check, clock, random }: InsertInit): Promise<FilledSlot> {
  const number = await nextNumber(tx)
  const former = await filledSlot(tx, made)
  check(former)
  if (former !== undefined && isActive(former.rollout.state))
    throw appError('ROLLOUT_ACTIVE', { detail: { rollout: former.rollout.id } })
  const [slot, nowMs, id] = [slotText(made), Math.floor(clock.now()), newId({ clock, random })]
  const { values, author, reason, plan, atOnce } = made
  await tx
    .insertInto('settingVersions')
    .values({ version: number, slot, content: JSON.stringify(values), author, reason, atMs: nowMs })
    .execute()
  const begun = newProgress(plan.steps.length, nowMs)
  const progress = atOnce ? ({ ...begun, state: 'done', begun: true } as const) : begun
  await tx
    .insertInto('rollouts')
    .values({
      ...{ id, slot, fromVersion: former?.wanted ?? null, toVersion: number, plan: JSON.stringify(plan) },
      ...progressRow(progress),
      ...{ share: JSON.stringify(atOnce ? { hosts: {}, percent: 100 } : nobody), touched: number, before: null },
      ...{ madeAtMs: nowMs, endedAtMs: atOnce ? nowMs : null },
    })
    .execute()
  const changed = {
    ...{ latest: number, rollout: id, wanted: atOnce ? number : (former?.wanted ?? null) },
    touched: atOnce || former === undefined ? number : former.touched,
  }
  if (former === undefined) {
    const { scope, kind } = made
    await tx
      .insertInto('settingSlots')
      .values({ slot, scope: scopeText(scope), kind, ...changed })
      .execute()
  } else {
    await tx.updateTable('settingSlots').set(changed).where('slot', '=', slot).execute()
    await endRollingBack(tx, former.rollout, nowMs)
  }
  await noteEvent(tx, { clock }, { rollout: id, actor: author, act: 'begin', step: 0, reason })
  await assertRoom(tx)
  const filled = await filledSlot(tx, made)
  if (filled === undefined) throw appError('UNKNOWN')
  return filled
}

/** Nobody waits any more until the version before is back at all hosts: another one has followed. */
async function endRollingBack(tx: Tx, { id, state }: Slot['rollout'], nowMs: number): Promise<void> {
  if (state !== 'rollingBack') return
  await tx.updateTable('rollouts').set({ state: 'rolledBack', endedAtMs: nowMs }).where('id', '=', id).execute()
  await tx.deleteFrom('rolloutHosts').where('rollout', '=', id).execute()
}
