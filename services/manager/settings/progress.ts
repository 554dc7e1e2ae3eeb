import type { HaltCode, RolloutState } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import type { Comparison } from './compare.ts'

/** In these, some hosts are meant to have other settings than the others: nobody may set the same settings meanwhile. */
export const isActive = (state: RolloutState): boolean =>
  state === 'running' || state === 'paused' || state === 'halted'

/** How a roll-out proceeds. */
export interface PaceLimits {
  /** How long a step goes well before the next one begins. */
  readonly soakMs: number
  /** How long hosts may take to apply it. */
  readonly applyMs: number
  /** Hosts that may refuse it. */
  readonly maxRefused: number
  /** Of 100 hosts that have it, so many may go away. */
  readonly gonePerHundred: number
  /** After a halt the former settings come back without a person. */
  readonly rollBack: boolean
}

/** How far a roll-out is. It is kept after each change, so any manager goes on with it. */
export interface Progress {
  readonly state: RolloutState
  /** Counts from 0; `steps` of them in all. */
  readonly step: number
  readonly steps: number
  /** The hosts of this step are chosen, and are told. */
  readonly begun: boolean
  /** Since when hosts are waited for, or all have applied it: the start of the step, or the last change between the two. */
  readonly sinceMs: number
  readonly isSettled: boolean
  readonly halt?: HaltCode | undefined
}

/** What is seen of the hosts of a step. */
export interface StepLook {
  /** Those that were there when it began, and those that came since and are there. */
  readonly hosts: number
  /** Of them: they are there, and have not applied it yet. */
  readonly behind: number
  /** Of those that were there when it began: they are not there any more. */
  readonly gone: number
  /** They have said that they cannot apply it, whether they were there at the beginning or not. */
  readonly refused: number
  readonly comparison: Comparison
  /** Every cluster has been seen; if not, hosts that are not seen are not known to be gone. */
  readonly isWhole: boolean
}

export const newProgress = (steps: number, nowMs: number): Progress => ({
  ...{ state: 'running', step: 0, steps, begun: false, sinceMs: nowMs, isSettled: false },
})

/** The hosts of the step are chosen and told. */
export const withStepBegun = (progress: Progress, nowMs: number): Progress => ({
  ...progress,
  ...{ begun: true, sinceMs: nowMs, isSettled: false },
})

const halted = (progress: Progress, halt: HaltCode, { rollBack }: PaceLimits): Progress => ({
  ...progress,
  ...{ state: rollBack ? 'rollingBack' : 'halted', isSettled: false, halt },
})

const tooManyGone = ({ gone, hosts }: StepLook, { gonePerHundred }: PaceLimits): boolean =>
  gone > Math.floor((hosts * gonePerHundred) / 100)

const hasSettled = (look: StepLook, limits: PaceLimits): boolean =>
  look.isWhole && look.hosts > 0 && look.behind === 0 && !tooManyGone(look, limits)

function next(progress: Progress, nowMs: number): Progress {
  const step = progress.step + 1
  if (step === progress.steps) return { ...progress, state: 'done' }
  return { ...progress, step, begun: false, sinceMs: nowMs, isSettled: false }
}

export interface LookInit {
  readonly nowMs: number
  /** Since when this manager looks: what it could not see does not count as time that hosts took. */
  readonly lookingSinceMs: number
}

/**
 * What becomes of a roll-out by what was seen. It goes on when all hosts of the step have applied it, that was so for
 * `soakMs`, and their pulls go as well as those of others. It halts at once when hosts refuse it or pulls are worse, and
 * after `applyMs` when hosts do not apply it or are gone; while a cluster cannot be seen, its time stands still. One that is paused halts, too, but does not go on.
 */
export function afterLook(
  progress: Progress,
  look: StepLook,
  limits: PaceLimits,
  { nowMs, lookingSinceMs }: LookInit,
): Progress {
  if (progress.state === 'rollingBack') return afterBackLook(progress, look)
  if ((progress.state !== 'running' && progress.state !== 'paused') || !progress.begun) return progress
  const fault = faultIn(look, limits)
  if (fault !== undefined) return halted(progress, fault, limits)
  const isSettled = hasSettled(look, limits)
  if (isSettled !== progress.isSettled) return { ...progress, isSettled, sinceMs: nowMs }
  if (!isSettled) return afterWait(progress, look, limits, { nowMs, lookingSinceMs })
  const goesOn = progress.state === 'running' && look.comparison === 'good' && nowMs - progress.sinceMs >= limits.soakMs
  return goesOn ? next(progress, nowMs) : progress
}

function afterWait(progress: Progress, look: StepLook, limits: PaceLimits, times: LookInit): Progress {
  const { nowMs, lookingSinceMs } = times
  // Who could not be seen may have applied it, and be there.
  if (!look.isWhole && look.behind === 0) return { ...progress, sinceMs: nowMs }
  if (nowMs - Math.max(progress.sinceMs, lookingSinceMs) <= limits.applyMs) return progress
  return halted(progress, look.isWhole && tooManyGone(look, limits) ? 'HOSTS_GONE' : 'HOSTS_SLOW', limits)
}

function afterBackLook(progress: Progress, { isWhole, behind, refused }: StepLook): Progress {
  return isWhole && behind === 0 && refused === 0 ? { ...progress, state: 'rolledBack' } : progress
}

/** What lets a step halt at once. */
function faultIn({ refused, comparison }: StepLook, { maxRefused }: PaceLimits): HaltCode | undefined {
  if (refused > maxRefused) return 'HOSTS_REFUSE'
  return comparison === 'worse' ? 'HEALTH_WORSE' : undefined
}

/** What a person may do to a roll-out. */
export const rolloutActs = ['pause', 'resume', 'halt', 'rollBack'] as const
export type RolloutAct = (typeof rolloutActs)[number]

const allowed: Readonly<Record<RolloutAct, readonly RolloutState[]>> = {
  pause: ['running'],
  resume: ['paused', 'halted'],
  halt: ['running', 'paused'],
  rollBack: ['running', 'paused', 'halted', 'done'],
}

/** A step that goes on after a halt begins anew, with the same hosts. @throws ROLLOUT_STATE */
export function afterAct(progress: Progress, act: RolloutAct, nowMs: number): Progress {
  if (!allowed[act].includes(progress.state)) {
    const detail = { state: progress.state }
    throw appError('ROLLOUT_STATE', { message: `a roll-out that is ${progress.state} cannot be changed so`, detail })
  }
  const rest = { ...progress, halt: undefined }
  switch (act) {
    case 'pause':
      return { ...rest, state: 'paused' }
    case 'halt':
      return { ...rest, state: 'halted', isSettled: false }
    case 'resume':
      return {
        ...rest,
        ...{ state: 'running', begun: progress.begun && progress.state === 'paused', isSettled: false, sinceMs: nowMs },
      }
    case 'rollBack':
      return { ...progress, state: 'rollingBack', isSettled: false }
  }
}
