/** Settings of one scope for one kind of service: a slot. What follows one version is another. */
export interface SettingVersionsTable {
  /** Counts up over all slots. */
  readonly version: number
  readonly slot: string
  /** JSON. */
  readonly content: string
  readonly author: string
  readonly reason: string
  readonly atMs: number
}

export interface SettingSlotsTable {
  /** Scope and kind. */
  readonly slot: string
  readonly scope: string
  readonly kind: string
  /** The version that was made last. */
  readonly latest: number
  /** The version that hosts are to have which no roll-out gives another; null: none, the former one of the first. */
  readonly wanted: number | null
  /** Its last roll-out. */
  readonly rollout: string
  /** The generation in which what its hosts are to have changed last. */
  readonly touched: number
}

/** One row: the number of the last version or generation. */
export interface SettingCounterTable {
  readonly id: string
  readonly value: number
}

export interface RolloutsTable {
  readonly id: string
  readonly slot: string
  /** Null: no version before. */
  readonly fromVersion: number | null
  readonly toVersion: number
  /** JSON: steps and limits. */
  readonly plan: string
  readonly state: string
  readonly step: number
  readonly begun: number
  readonly sinceMs: number
  readonly settled: number
  readonly halt: string | null
  /** JSON: the hosts of the step. */
  readonly share: string
  /** The generation that its hosts are to apply. */
  readonly touched: number
  /** JSON: what all hosts had counted before it began. */
  readonly before: string | null
  readonly madeAtMs: number
  readonly endedAtMs: number | null
}

/** One row for each step that has begun. */
export interface RolloutStepsTable {
  readonly rollout: string
  readonly step: number
  readonly beganAtMs: number
  readonly endedAtMs: number | null
  /** JSON: what was seen last. */
  readonly look: string | null
}

/** Who did what to a roll-out, and what it did by itself. */
export interface RolloutEventsTable {
  readonly id: string
  readonly rollout: string
  readonly atMs: number
  readonly actor: string
  readonly act: string
  readonly step: number
  readonly reason: string
  /** JSON: the numbers at that moment. */
  readonly look: string | null
}

/** The hosts that were there when the present step began, and what they had counted then. */
export interface RolloutHostsTable {
  readonly rollout: string
  readonly cluster: string
  readonly host: string
  /** 0: the host keeps what it has; 1: it is to have the new version; 2: so is one that came after the beginning of the step. */
  readonly member: number
  readonly pulls: number
  readonly errors: number
  readonly stalls: number
}

/** One row: the name of the managers of this database. */
export interface SettingManagerTable {
  readonly one: number
  readonly id: string
}
