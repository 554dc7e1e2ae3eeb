import {
  type AbortOptions,
  appError,
  backoffMs,
  type Clock,
  isAppError,
  type Random,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import type { ClusterTalk } from '../clusters/talk.ts'
import type { JobLedger, PartEnd } from './job-ledger.ts'
import type { Job, Part } from './model.ts'

/** Between two tries of something that failed. */
const AGAIN = { baseMs: 500, maxMs: 10_000, attempts: Number.MAX_SAFE_INTEGER }
/** Who does the work elsewhere is asked so long to end it, after the job was cancelled. */
const GRACE_MS = 60_000
/** After the time of the job it is waited for so much longer; a tracker ends its job by itself. */
const LATE_MS = 30_000

export interface StepComponents {
  readonly talk: ClusterTalk
  readonly ledger: JobLedger
  readonly clock: Clock
  readonly random: Random
  /** Between two looks at work elsewhere. */
  readonly lookMs: number
}

/** Why a part is to end although it is not done. */
export type Verdict = 'cancel' | 'timeout' | undefined

/** One part of a job, under way. */
export interface StepWork extends StepComponents {
  /** As it is now. */
  readonly job: Job
  readonly part: Part
  /** Fires when this manager does not do the job any more; then nothing is written. */
  readonly signal: AbortSignal
  /** What was said of the job meanwhile. */
  readonly verdict: () => Verdict
  /** Told whether what the part needs has answered at last: while it does not, others may have the part's place. */
  readonly answered?: (isSo: boolean) => void
}

/** Does one part of a job, from wherever it was left. @throws what it fails with */
export type Step = (work: StepWork) => Promise<PartEnd>

/** How a part ends that was not done before its end. */
export function endOf(verdict: NonNullable<Verdict>, last?: unknown): PartEnd {
  if (verdict === 'cancel') return { state: 'cancelled' }
  if (isAppError(last)) return { state: 'failed', code: last.code, message: last.message }
  return { state: 'failed', code: 'JOB_TIMEOUT', message: 'it was not done within the time limit of the job' }
}

/** The part is to end, also if whoever has its work does not answer. */
export function tooLate({ job, clock, verdict }: Pick<StepWork, 'job' | 'clock' | 'verdict'>): Verdict {
  const over = verdict() === 'cancel' ? (job.cancelAtMs ?? 0) + GRACE_MS : job.untilMs + LATE_MS
  return clock.now() > over ? (verdict() ?? 'timeout') : undefined
}

const OVER = Symbol.for('shoal.manager.part-over')

/** A part has come to its end before its work did. */
export class Over extends Error {
  readonly [OVER] = true
  readonly end: PartEnd
  constructor(end: PartEnd) {
    super('the part of the job has ended')
    this.end = end
  }
}

export const isOver = (err: unknown): err is Over => typeof err === 'object' && err !== null && OVER in err

/** Tries until it works, it fails for good, or the job is to end. @throws Over, ABORTED, and what it fails with for good */
export async function insist<T>(
  { clock, random, signal, verdict, answered }: Pick<StepWork, 'clock' | 'random' | 'signal' | 'verdict' | 'answered'>,
  call: (options: AbortOptions) => Promise<T>,
  until: () => Verdict = verdict,
): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    throwIfAborted(signal)
    try {
      const done = await call({ signal })
      answered?.(true)
      return done
    } catch (err) {
      throwIfAborted(signal)
      if (!isAppError(err) || !err.retryable) throw err
      const over = until()
      if (over !== undefined) throw new Over(endOf(over, err))
      answered?.(false)
      await clock.sleep(Math.min(backoffMs(AGAIN, Math.min(tried, 10), random), AGAIN.maxMs), { signal })
    }
  }
}

/** @throws MEMBER_AWAY */
export function firstOf<Member>(members: readonly Member[], fits: (member: Member) => boolean = () => true): Member {
  const found = members.find(fits)
  if (found === undefined) throw appError('MEMBER_AWAY')
  return found
}
