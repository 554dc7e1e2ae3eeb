import type { Counts, RolloutState, Step } from '../pure/rollout-plan.ts'
import type { ValueChange, Values } from '../pure/setting-fields.ts'

/** What the manager answers about settings and roll-outs, as far as the console reads it. */
export interface Slot {
  readonly scope: string
  readonly kind: string
  readonly latest: number
  readonly wanted?: number
  readonly rollout?: { readonly id: string; readonly state: string }
  readonly generation: number
}

export interface SlotsPage {
  readonly settings: readonly Slot[]
  readonly next?: string
}

export interface FilledSlot extends Slot {
  readonly values: Values
}

export interface Version {
  readonly version: number
  readonly scope: string
  readonly kind: string
  readonly values: Values
  readonly author: string
  readonly reason: string
  readonly atMs: number
}

export interface VersionsPage {
  readonly versions: readonly Version[]
  readonly next?: string
}

export interface DiffAnswer {
  readonly changes: readonly ValueChange[]
}

export interface Applied {
  readonly hosts: number
  readonly applied: number
  readonly behind: number
  readonly refused: number
  readonly codes: Readonly<Record<string, number>>
  readonly away: readonly string[]
}

/** What trackers say of a host and its settings. */
export interface Run {
  readonly host: string
  readonly peerId?: string
  readonly address?: string
  readonly zone?: string
  readonly state: string
  readonly generation: number
  readonly code?: string
  readonly message?: string
  readonly seenAtMs: number
}

export interface BehindPage {
  readonly hosts: readonly (Run & { readonly cluster: string })[]
  readonly next?: string
}

export interface Effective {
  readonly keys: readonly {
    readonly key: string
    readonly value: unknown
    readonly scope: string
    readonly version: number
  }[]
  readonly host?: Run
}

export interface StepLook {
  readonly hosts: number
  readonly behind: number
  readonly gone: number
  readonly refused: number
  readonly those: Counts
  readonly others: Counts
  readonly comparison: 'worse' | 'tooFew' | 'good'
  readonly isWhole: boolean
}

export interface Rollout {
  readonly id: string
  readonly scope: string
  readonly kind: string
  readonly from?: number
  readonly to: number
  readonly state: RolloutState
  readonly step: number
  readonly steps: number
  readonly halt?: 'HOSTS_REFUSE' | 'HEALTH_WORSE' | 'HOSTS_SLOW' | 'HOSTS_GONE'
  readonly settled: boolean
  readonly sinceMs: number
  readonly madeAtMs: number
  readonly endedAtMs?: number
  readonly plan: {
    readonly steps: readonly Step[]
    readonly soakSeconds: number
    readonly minPulls: number
    readonly errorsPerHundred: number
    readonly stallsPerHundred: number
    readonly rollBack: boolean
  }
}

export interface RolloutsPage {
  readonly rollouts: readonly Rollout[]
  readonly next?: string
}

export interface StepRow {
  readonly step: number
  readonly beganAtMs: number
  readonly endedAtMs?: number
  readonly look?: StepLook
}

export interface RolloutWhole extends Rollout {
  readonly history: readonly StepRow[]
}

export interface RolloutEvent {
  readonly id: string
  readonly atMs: number
  readonly actor: string
  readonly act: string
  readonly step: number
  readonly reason: string
  readonly look?: StepLook
}

/** The keys that can be set, as a JSON schema for each kind of service. */
export interface Schemas {
  readonly kinds: Readonly<Record<string, unknown>>
}
