/** What the API of jobs answers and takes, as far as the console reads and writes it. */
export const jobStates = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const
export type JobState = (typeof jobStates)[number]

export const jobKinds = [
  ...(['preheat', 'query', 'distribution', 'pin', 'unpin', 'delete'] as const),
  ...(['backfill', 'gc', 'retention'] as const),
] as const
export type JobKind = (typeof jobKinds)[number]

export const jobScopes = ['single_origin', 'all_origins', 'agents'] as const
export type JobScope = (typeof jobScopes)[number]

export interface JobSpec {
  readonly kind: JobKind
  readonly clusters?: readonly string[]
  readonly targets?: readonly string[]
  readonly urls?: readonly string[]
  readonly scope?: JobScope
  readonly hosts?: readonly string[]
  readonly zone?: string
  readonly count?: number
  readonly percent?: number
  readonly platforms?: readonly string[]
  readonly atOnce?: number
  readonly limitSeconds?: number
  readonly dryRun?: boolean
  readonly note?: string
}

/** Of a long list of targets a list of jobs has the first, and how many there are; of hosts only their number. */
export interface ShownSpec extends JobSpec {
  readonly targetsCount?: number
  readonly urlsCount?: number
  readonly named?: number
}

export interface Job {
  readonly id: string
  readonly kind: JobKind
  readonly state: JobState
  readonly spec: ShownSpec
  readonly by: string
  readonly schedule?: string
  readonly createdAtMs: number
  readonly startedAtMs?: number
  readonly endedAtMs?: number
  readonly untilMs: number
  readonly cancelAtMs?: number
  readonly code?: string
  readonly message?: string
  readonly rows: Readonly<Record<JobState, number>>
  readonly bytes: number
  readonly doneBytes: number
}

export interface JobPart {
  readonly n: number
  readonly cluster: string
  readonly step: string
  readonly target?: string
  readonly state: JobState
  readonly member?: string
  readonly code?: string
  readonly message?: string
}

export interface WholeJob extends Job {
  readonly parts: readonly JobPart[]
}

export interface JobRow {
  readonly seq: number
  readonly part: number
  readonly cluster: string
  readonly host: string
  readonly name?: string
  readonly address?: string
  readonly zone?: string
  readonly blob?: string
  readonly state: JobState
  readonly code?: string
  readonly attempts: number
  readonly bytes: number
  readonly doneBytes: number
  readonly blobs: number
  readonly doneBlobs: number
  readonly holds?: string
}

export interface JobsPage {
  readonly jobs: readonly Job[]
  readonly next?: string
}

/** For one question to a registry; kept nowhere. */
export interface Credentials {
  readonly username?: string
  readonly password?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Schedule {
  readonly name: string
  readonly cron?: string
  readonly timeZone: string
  readonly onPush?: { readonly repository: string; readonly tag?: string }
  readonly overlap: boolean
  readonly enabled: boolean
  readonly job: JobSpec
  readonly by: string
  readonly lastAtMs?: number
  readonly lastJob?: string
  readonly lastCode?: string
  readonly nextAtMs?: number
}

export interface SchedulesPage {
  readonly schedules: readonly Schedule[]
  readonly next?: string
}
