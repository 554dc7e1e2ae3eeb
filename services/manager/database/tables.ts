import type {
  RolloutEventsTable,
  RolloutHostsTable,
  RolloutStepsTable,
  RolloutsTable,
  SettingCounterTable,
  SettingManagerTable,
  SettingSlotsTable,
  SettingVersionsTable,
} from '../settings/tables.ts'

/** What somebody has changed; written in the transaction of the change. */
export interface AuditTable {
  readonly id: string
  readonly atMs: number
  readonly actor: string
  readonly action: string
  readonly target: string
  /** JSON; null when there is nothing more to tell. */
  readonly detail: string | null
}

/**
 * Every table of a manager. Times are milliseconds since the epoch, booleans are 0 or 1, JSON is text: the same in SQLite and
 * PostgreSQL.
 */
export interface Tables {
  readonly audit: AuditTable
  readonly settingCounter: SettingCounterTable
  readonly settingManager: SettingManagerTable
  readonly settingVersions: SettingVersionsTable
  readonly settingSlots: SettingSlotsTable
  readonly rollouts: RolloutsTable
  readonly rolloutSteps: RolloutStepsTable
  readonly rolloutEvents: RolloutEventsTable
  readonly rolloutHosts: RolloutHostsTable
}
