import type { JobSpec, JobState, JobTally, ManagedJobKind } from '../../../lib/api/index.ts'
import type { JobPartTable, JobRowTable, JobTable } from './tables.ts'

/** How far a job is. */
export interface JobSums {
  readonly rows: JobTally
  readonly bytes: number
  readonly doneBytes: number
}

/** A job of the manager. */
export interface Job {
  readonly id: string
  readonly number: number
  readonly kind: ManagedJobKind
  readonly state: JobState
  readonly spec: JobSpec
  /** How another API shows what was asked for. */
  readonly shown: unknown
  readonly actor: string
  readonly schedule: string | undefined
  readonly createdAtMs: number
  readonly startedAtMs: number | undefined
  readonly endedAtMs: number | undefined
  readonly untilMs: number
  readonly cancelAtMs: number | undefined
  readonly code: string | undefined
  readonly message: string | undefined
  readonly seq: number
  /** Of a job that has ended. */
  readonly sums: JobSums | undefined
}

/**
 * `resolve`: the manager that took the job asks a registry what an image is. `content`: asks a tracker what it consists of.
 * `url`: an origin brings what lies under a URL. `origins`: origins bring blobs. `fleet`: a job of a tracker for its hosts.
 */
export const steps = ['resolve', 'content', 'url', 'origins', 'fleet', 'gc', 'retention', 'backfill'] as const
export type StepName = (typeof steps)[number]

/** The cluster of the step `resolve`, which is done in none. */
export const NO_CLUSTER = ''

/** What a step needs to know; which of these follows from the step. */
export interface PartSpec {
  readonly target?: string
  /** Of `fleet`: what the hosts do. */
  readonly order?: 'query' | 'preload' | 'delete' | 'pin' | 'unpin'
  /** Of `content`: where the image was said to be, which is not asked. */
  readonly url?: string
  /** Of `origins`, and of `fleet` when it follows from an image: the part that knows the blobs. */
  readonly contentOf?: number
  /** Of `resolve`: for which clusters the image is. */
  readonly clusters?: readonly string[]
}

/** What an image or a URL was found to be. */
export interface Content {
  readonly digest: string
  readonly repository: string
  readonly items: readonly { readonly digest: string; readonly size?: number | undefined }[]
}

export interface NewPart {
  readonly cluster: string
  readonly step: StepName
  readonly spec: PartSpec
}

export interface Part extends NewPart {
  readonly jobId: string
  readonly n: number
  readonly state: JobState
  readonly member: string | undefined
  /** Its id there. Of `resolve`: changes as long as the manager that has the credentials lives. */
  readonly remoteId: string | undefined
  readonly code: string | undefined
  readonly message: string | undefined
  readonly content: Content | undefined
}

/** What became of one host, or of one blob at one host. */
export type Row = Omit<JobRowTable, 'jobId' | 'seq'>

/** An end, of a part or of a job. */
export interface Ending {
  readonly state: 'done' | 'failed' | 'cancelled'
  readonly code?: string | undefined
  readonly message?: string | undefined
}

export const isOpen = (state: string): boolean => state === 'waiting' || state === 'running'

/** All of a part but what an image consists of, which may be much. */
export const partColumns = [
  ...(['jobId', 'n', 'cluster', 'step', 'spec', 'state', 'member', 'remoteId', 'code', 'message'] as const),
] as const

const maybe = (value: number | null): number | undefined => value ?? undefined
const parsed = (text: string | null): unknown => (text === null ? undefined : JSON.parse(text))

export const jobOf = (row: JobTable): Job => ({
  ...{ id: row.id, number: row.number, kind: row.kind as ManagedJobKind, state: row.state as JobState },
  ...{ spec: parsed(row.spec) as JobSpec, shown: parsed(row.shown), actor: row.actor },
  schedule: row.schedule ?? undefined,
  createdAtMs: row.createdAtMs,
  startedAtMs: maybe(row.startedAtMs),
  endedAtMs: maybe(row.endedAtMs),
  untilMs: row.untilMs,
  cancelAtMs: maybe(row.cancelAtMs),
  ...{ code: row.code ?? undefined, message: row.message ?? undefined, seq: row.seq },
  sums: parsed(row.sums) as JobSums | undefined,
})

/** `content` is there when it was read. */
export const partOf = (row: Omit<JobPartTable, 'content'> & { readonly content?: string | null }): Part => ({
  ...{ jobId: row.jobId, n: row.n, cluster: row.cluster, step: row.step as StepName, state: row.state as JobState },
  spec: parsed(row.spec) as PartSpec,
  ...{ member: row.member ?? undefined, remoteId: row.remoteId ?? undefined },
  ...{ code: row.code ?? undefined, message: row.message ?? undefined },
  content: parsed(row.content ?? null) as Content | undefined,
})

/** A row that nothing has happened to yet. */
export const newRow = (part: number, host: string, more: Partial<Row> = {}): Row => ({
  ...{ part, host, blob: '', name: null, address: null, zone: null, state: 'waiting', code: null, attempts: 0 },
  ...{ bytes: 0, doneBytes: 0, blobs: 0, doneBlobs: 0, holds: null },
  ...more,
})

export const newPartRow = (jobId: string, n: number, { cluster, step, spec }: NewPart): JobPartTable => ({
  ...{ jobId, n, cluster, step, spec: JSON.stringify(spec), state: 'waiting' },
  ...{ member: null, remoteId: null, code: null, message: null, content: null },
})
