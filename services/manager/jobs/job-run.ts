import {
  abortController,
  anySignal,
  background,
  type Deferred,
  deferred,
  isAbort,
  isAppError,
} from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { backfillStep } from './backfill-step.ts'
import { contentStep, urlStep } from './content-steps.ts'
import { fleetStep } from './fleet-step.ts'
import type { JobLedger, PartEnd } from './job-ledger.ts'
import { gcStep, retentionStep } from './look-steps.ts'
import { type Ending, isOpen, type Job, NO_CLUSTER, type Part, type StepName } from './model.ts'
import { originsStep } from './origins-step.ts'
import { pause } from './pause.ts'
import { endOf, isOver, type Step, type StepComponents, type Verdict } from './step.ts'
import { stepLedger } from './step-ledger.ts'

/** Parts of one job that are worked at at the same time. */
const PARTS_AT_ONCE = 8
/** Parts of one job in one cluster that wait for whom they need, besides those: no more of that cluster begin then. */
export const MAX_STUCK_PARTS = 8
/** Where somebody has answered, nobody has to do so for so long before the job leaves its place: a restart takes less. */
const SILENT_MS = 30_000
/** Parts that are read at a look, besides those that have begun. */
const LOOKED_AT = 3 * PARTS_AT_ONCE

/** What registries are asked for is not done here: its turn comes only when the job is to end. */
const resolveStep: Step = async ({ verdict }) => endOf(verdict() ?? 'timeout')

const stepOf: Readonly<Record<StepName, Step>> = {
  ...{ resolve: resolveStep, content: contentStep, url: urlStep, origins: originsStep, fleet: fleetStep },
  ...{ gc: gcStep, retention: retentionStep, backfill: backfillStep },
}

export interface JobRunComponents extends StepComponents {
  readonly logger: Logger
  /** Whether others wait for the place of this job. */
  readonly crowded?: () => boolean
}

/** How a job ends, by the ends of its parts. */
export function endOfParts(parts: readonly Part[], verdict: Verdict): Ending {
  const failed = parts.find(({ state }) => state === 'failed')
  if (verdict === 'cancel' && parts.some(({ state }) => state !== 'done')) return { state: 'cancelled' }
  if (failed !== undefined) return { state: 'failed', code: failed.code, message: failed.message }
  return parts.some(({ state }) => state === 'cancelled') ? { state: 'cancelled' } : { state: 'done' }
}

/** Ends a job of which nothing is left to begin; undefined when there is more to do meanwhile. */
async function endJob(ledger: JobLedger, id: string, verdict: Verdict): Promise<Ending | 'waits' | undefined> {
  const parts = (await ledger.look(id))?.parts ?? []
  const left = parts.filter(({ state }) => isOpen(state))
  if (left.length === 0) {
    const end = endOfParts(parts, verdict)
    await ledger.setJob(id, end)
    return end
  }
  return verdict === undefined && left.every(({ cluster }) => cluster === NO_CLUSTER) ? 'waits' : undefined
}

/**
 * Does all of a job that is not done, from wherever it was left. `stuck`: others wait for its place, and none of whom it needs answers
 * any more; `silent`: none of them has answered at all.
 * `waits`: nothing is left but what registries are asked for, by the manager to which the credentials were shown.
 * @throws ABORTED when this manager is not to go on with it, LedgerFailure
 */
export async function runJob(
  components: JobRunComponents,
  id: string,
  signal: AbortSignal,
): Promise<Ending | 'stuck' | 'silent' | 'waits' | undefined> {
  const { clock, lookMs, crowded = () => false } = components
  const ledger = stepLedger(components.ledger)
  const found = await ledger.look(id, { open: 0 })
  if (found === undefined) return undefined
  let { job } = found
  const verdict = (): Verdict => {
    if (job.cancelAtMs !== undefined) return 'cancel'
    return clock.now() > job.untilMs ? 'timeout' : undefined
  }
  // What is to end before it began never runs.
  if (job.state === 'waiting' && verdict() === undefined) await ledger.setJob(id, { state: 'running' })
  const over = abortController()
  const until = anySignal([signal, over.signal])
  const under = partsUnderWay({ components: { ...components, ledger }, job: () => job, signal: until, verdict })
  try {
    for (;;) {
      const moved = under.moved()
      const full = under.full()
      const without = verdict() === undefined ? [...full, NO_CLUSTER] : full
      const now = await ledger.look(id, { open: under.size() + LOOKED_AT, without })
      if (now === undefined) return undefined
      job = now.job
      const open = now.parts
      if (open.length === 0 && full.length === 0) {
        const end = await endJob(ledger, id, verdict())
        if (end !== undefined) return end
      }
      under.begin(open)
      const stuck = under.stuck()
      if (stuck !== undefined && crowded()) return stuck
      await pause(clock, lookMs, { event: moved, signal: until })
    }
  } finally {
    over.abort()
    await under.stop()
  }
}

interface UnderWay {
  /** Resolves when a part has ended. */
  moved(): Promise<void>
  size(): number
  /** Clusters of which no part begins now, so many wait there. */
  full(): readonly string[]
  /** Begins what of these has its turn. @throws what a part has thrown */
  begin(open: readonly Part[]): void
  /** Whether all that was begun waits for whom it needs, and did so from the beginning. */
  stuck(): 'stuck' | 'silent' | undefined
  stop(): Promise<void>
}

interface PartsInit extends Pick<Parameters<Step>[0], 'signal' | 'verdict'> {
  readonly components: JobRunComponents
  readonly job: () => Job
}

/** The parts of a job that are worked at. Those that get no answer leave their turn to others. */
function partsUnderWay({ components, job, signal, verdict }: PartsInit): UnderWay {
  const { clock } = components
  const begun = new Set<number>()
  /** Their clusters. */
  const stuck = new Map<number, string>()
  const failures: unknown[] = []
  const work = background((_name, err) => failures.push(err))
  let moved: Deferred<void> = deferred()
  let answeredMs: number | undefined
  const run = (part: Part) => {
    begun.add(part.n)
    const answered = (isSo: boolean) => {
      if (isSo) answeredMs = clock.monotonicMs()
      if (isSo) stuck.delete(part.n)
      else stuck.set(part.n, part.cluster)
    }
    const stepWork = { ...components, part, signal, verdict, answered }
    Object.defineProperty(stepWork, 'job', { get: job, enumerable: true })
    work.run(`part ${part.n}`, () =>
      runPart(stepWork as typeof stepWork & { readonly job: Job }).finally(() => {
        stuck.delete(part.n)
        moved.resolve()
      }),
    )
  }
  const full = () => {
    const clusters = [...stuck.values()]
    return [...new Set(clusters)].filter((id) => clusters.filter((each) => each === id).length >= MAX_STUCK_PARTS)
  }
  return {
    size: () => work.size,
    full,
    moved() {
      moved = deferred()
      return moved.promise
    },
    begin(open) {
      const without = new Set(full())
      for (const part of open.filter(({ n, cluster }) => !begun.has(n) && !without.has(cluster))) {
        if (work.size - stuck.size >= PARTS_AT_ONCE) break
        run(part)
      }
      if (failures.length > 0) throw failures[0]
    },
    stuck() {
      if (stuck.size === 0 || stuck.size < work.size) return undefined
      if (answeredMs === undefined) return 'silent'
      return clock.monotonicMs() - answeredMs >= SILENT_MS ? 'stuck' : undefined
    },
    stop: () => work.stop(),
  }
}

/** Does a part, and notes how it ends. @throws LedgerFailure, after which the part is as it was */
async function runPart(work: Parameters<Step>[0] & JobRunComponents): Promise<void> {
  const { part, ledger, signal, logger, verdict, job } = work
  let end: PartEnd
  try {
    const early = verdict()
    const isBegun = part.member !== undefined || part.state === 'running'
    end = early !== undefined && !isBegun && part.step !== 'origins' ? endOf(early) : await stepOf[part.step](work)
  } catch (err) {
    if (signal.aborted) return
    if (isOver(err)) end = err.end
    else if (isAbort(err) || !isAppError(err)) throw err
    else end = { state: 'failed', code: err.code, message: err.message }
  }
  if (signal.aborted) return
  if (end.state === 'failed')
    logger.warn('a part of a job has failed', { job: job.id, part: part.n, step: part.step, code: end.code })
  try {
    await ledger.endPart(part, end)
  } catch (err) {
    if (!isAppError(err)) throw err
    await ledger.endPart(part, { state: 'failed', code: err.code, message: err.message })
  }
}
