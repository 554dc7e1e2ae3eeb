import type { RolloutLook } from '../../../lib/api/index.ts'
import type { Clock } from '../../../lib/base/index.ts'
import type { ManagerDatabase, Tx } from '../database/index.ts'
import type { Counts } from './compare.ts'
import { inTurn, nextNumber } from './numbers.ts'
import { isActive, type Progress, withStepBegun } from './progress.ts'
import { noteEvent } from './rollout-events.ts'
import { rolloutById, rolloutRows, takeBack } from './rollout-store.ts'
import type { Share } from './share.ts'
import { type Rollout, rolloutOf, slotText } from './slot.ts'

/** A host when a step began, or when it joined. */
export interface BaseRow {
  readonly cluster: string
  readonly host: string
  readonly isMember: boolean
  /** A member that came after the beginning of the step. */
  readonly hasJoined?: boolean
  /** From where its counts count. */
  readonly base: Counts
}

export interface StepBegin {
  readonly share: Share
  readonly hosts: readonly BaseRow[]
  /** What all had counted, when this is the first step. */
  readonly before: Counts
}

export interface Looked {
  readonly look: RolloutLook
  /** Hosts that came after the beginning of the step. */
  readonly joined: readonly BaseRow[]
}

/** How roll-outs go on, as their manager notes it. Nothing is noted of one that somebody has changed meanwhile. */
export interface RolloutWorkStore {
  /** Those of which something is still to be done, the oldest first. */
  open(): Promise<readonly Rollout[]>
  hosts(rollout: string): Promise<readonly BaseRow[]>
  /** The hosts of the step are told from now on. */
  begin(seen: Rollout, step: StepBegin): Promise<void>
  /** What became of it by a look. False when somebody has changed it meanwhile, so that it became nothing. */
  looked(seen: Rollout, progress: Progress, looked: Looked): Promise<boolean>
}

export interface RolloutWorkStoreComponents {
  readonly database: Pick<ManagerDatabase, 'read' | 'keep'>
  readonly clock: Pick<Clock, 'now'>
}

const OPEN = ['running', 'paused', 'rollingBack'] as const
/** Rows of one statement: databases limit how many values it may have. */
const BATCH = 1000
const BY_ITSELF = 'manager'
/** What a host is in a step, as its row says it. */
const [OTHER, MEMBER, JOINED] = [0, 1, 2]

const memberOf = ({ isMember, hasJoined }: Pick<BaseRow, 'isMember' | 'hasJoined'>): number => {
  if (!isMember) return OTHER
  return hasJoined === true ? JOINED : MEMBER
}

export function rolloutWorkStore(parts: RolloutWorkStoreComponents): RolloutWorkStore {
  const { database, clock } = parts
  const nowMs = () => Math.floor(clock.now())
  return {
    async open() {
      const rows = await rolloutRows(database.read).where('rollouts.state', 'in', OPEN).orderBy('rollouts.id').execute()
      return rows.map(rolloutOf)
    },
    async hosts(rollout) {
      const rows = await database.read.selectFrom('rolloutHosts').selectAll().where('rollout', '=', rollout).execute()
      return rows.map(({ cluster, host, member, pulls, errors, stalls }) => ({
        ...{ cluster, host, isMember: member !== OTHER, hasJoined: member === JOINED },
        ...{ base: { pulls, errors, stalls } },
      }))
    },
    begin: (seen, step) =>
      database.keep(async (tx) => {
        const number = await nextNumber(tx)
        if (!(await isAsSeen(tx, seen))) return
        await tx.deleteFrom('rolloutHosts').where('rollout', '=', seen.id).execute()
        await addHosts(tx, seen.id, step.hosts)
        const progress = withStepBegun(seen.progress, nowMs())
        const told = { share: JSON.stringify(step.share), touched: number }
        const before = JSON.stringify(seen.before ?? step.before)
        await setProgress(tx, seen, progress, { ...told, before })
        await tx.updateTable('settingSlots').set({ touched: number }).where('slot', '=', slotText(seen)).execute()
        await noteStep(tx, seen, progress.sinceMs)
        const reason = `step ${progress.step + 1} of ${progress.steps}`
        const event = { rollout: seen.id, actor: BY_ITSELF, act: 'step', step: progress.step, reason }
        await noteEvent(tx, parts, event)
      }),
    looked: (seen, progress, { look, joined }) =>
      database.keep(async (tx) => {
        const { state } = progress
        await inTurn(tx)
        if (!(await isAsSeen(tx, seen))) return false
        const ended = state === 'done' || state === 'rolledBack' ? { endedAtMs: nowMs() } : {}
        await setProgress(tx, seen, progress, ended)
        await addHosts(tx, seen.id, joined)
        if (state === 'rollingBack' && seen.progress.state !== 'rollingBack')
          await takeBack(tx, seen, await nextNumber(tx))
        if (state === 'done') await makeWanted(tx, seen)
        if (seen.progress.begun) await keepLook(tx, seen, progress, { look, nowMs: nowMs() })
        if (state !== seen.progress.state) await noteStates(tx, parts, { seen, progress, look })
        if (!isActive(state) && state !== 'rollingBack')
          await tx.deleteFrom('rolloutHosts').where('rollout', '=', seen.id).execute()
        return true
      }),
  }
}

/** Whether nobody has changed it since. */
async function isAsSeen(tx: Tx, { id, progress: was }: Rollout): Promise<boolean> {
  const { progress: is } = await rolloutById(tx, id)
  return is.state === was.state && is.step === was.step && is.begun === was.begun && is.sinceMs === was.sinceMs
}

/** Hosts that come from now on are to have it, too. */
async function makeWanted(tx: Tx, seen: Rollout): Promise<void> {
  const changed = { wanted: seen.to, touched: await nextNumber(tx) }
  await tx.updateTable('settingSlots').set(changed).where('slot', '=', slotText(seen)).execute()
}

type RolloutChange = Partial<{ share: string; touched: number; before: string; endedAtMs: number }>

async function setProgress(tx: Tx, { id }: Rollout, progress: Progress, change: RolloutChange): Promise<void> {
  const { state, step, begun, isSettled, sinceMs, halt } = progress
  await tx
    .updateTable('rollouts')
    .set({ state, step, sinceMs, begun: Number(begun), settled: Number(isSettled), halt: halt ?? null, ...change })
    .where('id', '=', id)
    .execute()
}

async function addHosts(tx: Tx, rollout: string, hosts: readonly BaseRow[]): Promise<void> {
  for (let at = 0; at < hosts.length; at += BATCH) {
    const rows = hosts.slice(at, at + BATCH).map(({ cluster, host, base, ...row }) => ({
      ...{ rollout, cluster, host, member: memberOf(row), ...base },
    }))
    await tx.insertInto('rolloutHosts').values(rows).execute()
  }
}

/** A step that begins anew is the same step. */
async function noteStep(tx: Tx, { id, progress: { step } }: Rollout, beganAtMs: number): Promise<void> {
  await tx
    .insertInto('rolloutSteps')
    .values({ rollout: id, step, beganAtMs, endedAtMs: null, look: null })
    .onConflict((conflict) => conflict.columns(['rollout', 'step']).doNothing())
    .execute()
}

async function keepLook(
  tx: Tx,
  { id, progress: { step } }: Rollout,
  after: Progress,
  { look, nowMs }: { readonly look: RolloutLook; readonly nowMs: number },
): Promise<void> {
  const ended = after.step !== step || after.state === 'done' ? { endedAtMs: nowMs } : {}
  await tx
    .updateTable('rolloutSteps')
    .set({ look: JSON.stringify(look), ...ended })
    .where('rollout', '=', id)
    .where('step', '=', step)
    .execute()
}

interface Change {
  readonly seen: Rollout
  readonly progress: Progress
  readonly look: RolloutLook
}

/** A halt that takes back by itself is two things that happen. */
async function noteStates(tx: Tx, parts: RolloutWorkStoreComponents, { seen, progress, look }: Change): Promise<void> {
  const { state, halt = '', step } = progress
  const note = (act: string, reason: string) =>
    noteEvent(tx, parts, { rollout: seen.id, actor: BY_ITSELF, act, step, reason, look })
  if (state === 'halted' || state === 'rollingBack') await note('halt', halt)
  if (state === 'rollingBack') await note('rollBack', halt)
  if (state === 'rolledBack') await note('rolledBack', 'the former settings are back at all hosts')
  if (state === 'done') await note('done', 'all hosts have it')
}
