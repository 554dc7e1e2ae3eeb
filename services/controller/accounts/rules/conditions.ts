import { isJson, type Json } from '../../kubernetes/index.ts'
import { byComponent, type Component, componentFacts, componentNames } from './component.ts'
import type { SeenPod } from './rollout.ts'
import type { Trouble } from './trouble.ts'

export const conditionTypes = ['Ready', 'Progressing', 'Degraded'] as const

/** As Kubernetes has them everywhere. */
export interface Condition {
  readonly type: (typeof conditionTypes)[number]
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

export interface Verdict {
  readonly paused: boolean
  readonly leaving: boolean
  readonly trouble: Trouble | undefined
  /** What the rollout waits for, in words; undefined: nothing. */
  readonly waits: string | undefined
  /** Undefined: nothing was seen of the account. */
  readonly counts: Readonly<Record<Component, Count>> | undefined
}

/** Pods that are ready, and how many there are to be. */
export interface Count {
  readonly ready: number
  readonly wanted: number
}

export function countsOf(
  pods: readonly SeenPod[],
  wanted: Readonly<Record<Component, number>>,
): Readonly<Record<Component, Count>> {
  return byComponent((component) => ({
    ready: pods.filter((pod) => pod.component === component && pod.isReady && !pod.isLeaving).length,
    wanted: wanted[component],
  }))
}

/** Of each component at most one pod may be missing, and one must be there. */
const serves = ({ ready, wanted }: Count): boolean => ready >= Math.max(1, wanted - 1)

/** What people and programs are told of an account. */
export function conditionsOf(verdict: Verdict): readonly Condition[] {
  return [readyOf(verdict), progressOf(verdict), degradedOf(verdict)]
}

function readyOf({ counts, leaving, trouble }: Verdict): Condition {
  const is = (status: Condition['status'], reason: string, message: string): Condition => ({
    ...{ type: 'Ready', status, reason, message },
  })
  if (leaving) return is('False', 'Deleting', 'the account is being removed')
  if (counts === undefined) return is('False', trouble?.reason ?? 'Installing', trouble?.message ?? 'nothing runs yet')
  const missing = componentNames.filter((component) => !serves(counts[component]))
  if (missing.length === 0) return is('True', 'Serving', 'trackers, origins and build-indexes are ready')
  const words = missing.map((component) => {
    const { ready, wanted } = counts[component]
    return `${ready} of ${wanted} ${componentFacts[component].many} are ready`
  })
  return is('False', 'ComponentsNotReady', words.join('; '))
}

function progressOf({ paused, leaving, trouble, waits }: Verdict): Condition {
  const is = (status: Condition['status'], reason: string, message: string): Condition => ({
    ...{ type: 'Progressing', status, reason, message },
  })
  if (leaving) return is('True', 'Deleting', waits ?? 'the account is being removed')
  if (paused) return is('False', 'Paused', 'spec.paused is true: nothing is changed')
  if (trouble !== undefined && trouble.reason !== 'RolloutStuck') return is('False', 'Blocked', trouble.message)
  return waits === undefined ? is('False', 'Settled', 'everything is as it is to be') : is('True', 'RollingOut', waits)
}

function degradedOf({ trouble }: Verdict): Condition {
  const { reason = 'AsExpected', message = 'nothing is wrong' } = trouble ?? {}
  return { type: 'Degraded', status: trouble === undefined ? 'False' : 'True', reason, message }
}

/** Conditions for the status: the time of a change of `status` stays until the next one. */
export function dated(
  conditions: readonly Condition[],
  before: Json,
  { generation, nowMs }: { readonly generation: number; readonly nowMs: number },
): readonly object[] {
  const known = Array.isArray(before['conditions']) ? before['conditions'].filter(isJson) : []
  const now = timeText(nowMs)
  return conditions.map((condition) => {
    const same = known.find(({ type, status }) => type === condition.type && status === condition.status)
    const since = same?.['lastTransitionTime']
    return {
      ...condition,
      observedGeneration: generation,
      lastTransitionTime: typeof since === 'string' ? since : now,
    }
  })
}

/** A time as Kubernetes writes it. */
export const timeText = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
