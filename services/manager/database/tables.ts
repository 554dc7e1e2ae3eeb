import type { ClusterTables } from '../clusters/tables.ts'
import type { JobTables } from '../jobs/tables.ts'
import type { PeopleTables } from '../people/tables.ts'
import type { RegistryTables } from '../registry/tables.ts'
import type { RelationTables } from '../relations/tables.ts'
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
  /** Of what another service was asked to do: `unknown`, `done` or `refused`; null for a change of the database itself. */
  readonly outcome: string | null
  /** Why it was refused. */
  readonly code: string | null
}

/** Which manager has which duty. */
export interface LeaseTable {
  readonly name: string
  /** The process; empty when nobody has it. */
  readonly holder: string
  /** Grows with each holder. */
  readonly term: number
  /** Grows with each sign of life, and each change that the holder makes. */
  readonly beat: number
}

/**
 * Every table of a manager. Times are milliseconds since the epoch, booleans are 0 or 1, JSON is text: the same in SQLite and
 * PostgreSQL.
 */
export interface Tables extends PeopleTables, ClusterTables, JobTables, RegistryTables, RelationTables {
  readonly audit: AuditTable
  readonly settingCounter: SettingCounterTable
  readonly settingManager: SettingManagerTable
  readonly settingVersions: SettingVersionsTable
  readonly settingSlots: SettingSlotsTable
  readonly rollouts: RolloutsTable
  readonly rolloutSteps: RolloutStepsTable
  readonly rolloutEvents: RolloutEventsTable
  readonly rolloutHosts: RolloutHostsTable
  readonly leases: LeaseTable
}

/** The columns by which rows are told apart and found in order; undefined: the table is not in backups. */
export const inBackups: Readonly<Record<keyof Tables, readonly [string, ...string[]] | undefined>> = {
  audit: ['id'],
  // Nobody has a duty in a database that was restored.
  leases: undefined,
  users: ['id'],
  roles: ['name'],
  userRoles: ['userId', 'role'],
  tokens: ['id'],
  clusters: ['id'],
  joinTokens: ['id'],
  members: ['id'],
  schedules: ['name'],
  counters: ['name'],
  clusterNumbers: ['clusterId'],
  // What was done since would be done again.
  jobs: undefined,
  jobParts: undefined,
  jobRows: undefined,
  settingCounter: ['id'],
  settingManager: ['one'],
  settingVersions: ['version'],
  settingSlots: ['slot'],
  rollouts: ['id'],
  rolloutSteps: ['rollout', 'step'],
  rolloutEvents: ['id'],
  rolloutHosts: ['rollout', 'cluster', 'host'],
  registryUsers: ['name'],
  registryGeneration: ['one'],
  relations: ['id'],
  relationGeneration: ['one'],
  // Read anew from the trackers.
  hosts: undefined,
  // What was used or ended since would count again.
  sessions: undefined,
  links: undefined,
}

/** The counters: what they have numbered is known by its number elsewhere, and goes on being so after a restore. */
export const counted: readonly string[] = ['jobs', 'clusters']

/** They have a row from the start on, which the row of a backup replaces. */
export const madeAtStart: readonly string[] = [
  'settingCounter',
  'settingManager',
  'registryGeneration',
  'relationGeneration',
] satisfies (keyof Tables)[]
