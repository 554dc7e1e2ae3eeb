import type { SilentCluster } from './views.ts'

/** What the API of relations answers and takes, as far as the console reads and writes it. */
export interface RelationRule {
  readonly repository: string
  readonly tag: string
}

/** Of each day, in UTC, like `22:30`. */
export interface RelationWindow {
  readonly from: string
  readonly to: string
}

/** One that is kept at the manager. */
export interface Relation {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly remote: string
  readonly rules: readonly RelationRule[]
  readonly urls?: readonly string[]
  readonly windows: readonly RelationWindow[]
  /** Bytes in a second; absent: no limit. */
  readonly bandwidth?: number
  readonly concurrency: number
  readonly signatures: boolean
  readonly deletes: boolean
  readonly isPaused: boolean
  readonly note: string
  readonly createdAtMs: number
  readonly changedAtMs: number
}

/** One of the manager, or of the config of build-indexes, as it is seen. */
export interface SeenRelation {
  readonly origin: 'managed' | 'file'
  readonly id?: string
  readonly from: string
  readonly remote: string
  readonly to?: string
  readonly urls: readonly string[]
  readonly rules: readonly RelationRule[]
  readonly bandwidth?: number
  readonly isPaused: boolean
  readonly reachable?: boolean
  readonly lastError?: string
}

export interface RelationsPage {
  readonly relations: readonly SeenRelation[]
  readonly silent: readonly SilentCluster[]
  readonly next?: string
}

export interface RelationStates {
  readonly generation: number
  readonly applied: number
  readonly of: number
  readonly buildIndexes: readonly {
    readonly cluster: string
    readonly buildIndex: string
    readonly state: 'applied' | 'behind' | 'foreign' | 'refused' | 'away'
    readonly generation?: number
    readonly wanted: number
    readonly code?: string
    readonly manager?: string
  }[]
}
