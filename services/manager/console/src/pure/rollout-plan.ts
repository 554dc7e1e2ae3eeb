export type Step = { readonly hosts: number } | { readonly percent: number }

/** Steps as somebody writes them: `10, 25%`. The last one, which has all, needs not be written. */
export function stepsOf(text: string): readonly Step[] | undefined {
  const words = text.split(/[\s,;，；、]+/).filter((word) => word !== '')
  const steps = words.map((word): Step | undefined => {
    const [, number = '', percent] = /^(\d{1,7}(?:\.\d{1,3})?)([%％]?)$/.exec(word) ?? []
    if (number === '' || Number(number) === 0) return undefined
    if (percent !== '') return Number(number) <= 100 ? { percent: Number(number) } : undefined
    return Number.isInteger(Number(number)) ? { hosts: Number(number) } : undefined
  })
  if (!steps.every((step) => step !== undefined)) return undefined
  const last = steps.at(-1)
  const isWhole = last !== undefined && 'percent' in last && last.percent === 100
  return isWhole ? steps : [...steps, { percent: 100 }]
}

/** What of a plan somebody has said; what is left out is as in the config of the manager. */
export interface PlanDraft {
  readonly how: 'once' | 'steps'
  readonly steps: string
  readonly soakMinutes: string
  readonly minPulls: string
  /** After a halt: the former settings come back, or it waits for a person. */
  readonly afterHalt: 'usual' | 'back' | 'stay'
}

export const newPlan: PlanDraft = {
  how: 'once',
  steps: '10, 50%, 100%',
  soakMinutes: '',
  minPulls: '',
  afterHalt: 'usual',
}

const counted = (text: string): number | undefined => {
  const said = text.trim()
  return said !== '' && Number.isFinite(Number(said)) && Number(said) >= 0 ? Number(said) : undefined
}

/** The plan as the API takes it; undefined: at once. */
export function planOf({ how, steps, soakMinutes, minPulls, afterHalt }: PlanDraft): object | undefined {
  if (how === 'once') return undefined
  const [soak, pulls] = [counted(soakMinutes), counted(minPulls)]
  return {
    steps: stepsOf(steps) ?? [],
    ...(soak !== undefined && { soakSeconds: Math.round(soak * 60) }),
    ...(pulls !== undefined && { minPulls: Math.round(pulls) }),
    ...(afterHalt !== 'usual' && { rollBack: afterHalt === 'back' }),
  }
}

/** Whether the draft can be sent. */
export const isPlan = ({ how, steps, soakMinutes, minPulls }: PlanDraft): boolean =>
  how === 'once' ||
  (stepsOf(steps) !== undefined &&
    [soakMinutes, minPulls].every((text) => text.trim() === '' || counted(text) !== undefined))

export type RolloutState = 'running' | 'paused' | 'halted' | 'rollingBack' | 'rolledBack' | 'done'

/** What a person may do to a roll-out, as the last part of its path. */
export type RolloutAct = 'pause' | 'resume' | 'halt' | 'roll-back'

const allowed: Readonly<Record<RolloutAct, readonly RolloutState[]>> = {
  pause: ['running'],
  resume: ['paused', 'halted'],
  halt: ['running', 'paused'],
  'roll-back': ['running', 'paused', 'halted', 'done'],
}
const acts: readonly RolloutAct[] = ['pause', 'resume', 'halt', 'roll-back']

/** One that was at once can be rolled back too; the version before has to be known then. */
export const actsIn = (state: RolloutState): readonly RolloutAct[] => acts.filter((act) => allowed[act].includes(state))

/** Whether it still changes by itself. */
export const isMoving = (state: RolloutState): boolean =>
  state === 'running' || state === 'paused' || state === 'rollingBack'

export interface Counts {
  readonly pulls: number
  readonly errors: number
  readonly stalls: number
}

/** Faults of 100 pulls; a pull that stalls may never end, so what went wrong counts as tried. */
export function perHundred({ pulls, errors, stalls }: Counts, of: 'errors' | 'stalls'): number | undefined {
  const tried = Math.max(pulls, errors, stalls)
  return tried === 0 ? undefined : (100 * (of === 'errors' ? errors : stalls)) / tried
}

export const scopeSorts = ['all', 'cluster', 'zone', 'host'] as const
export type ScopeSort = (typeof scopeSorts)[number]

/** `zone:ams-1` is the zone ams-1. */
export function scopeOf(text: string): { readonly sort: ScopeSort; readonly name: string } {
  const at = text.indexOf(':')
  const sort = scopeSorts.find((each) => each === (at < 0 ? text : text.slice(0, at))) ?? 'all'
  return { sort, name: at < 0 ? '' : text.slice(at + 1) }
}
