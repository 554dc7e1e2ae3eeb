import { z } from 'zod'
import { adminCall, adminStream } from '../admin.ts'
import { list, opaque, table, text } from '../bounded.ts'
import { holdings, jobStates, MAX_JOB_HOSTS, platformTextSchema } from '../fleet-jobs.ts'
import { byteCountSchema, digestSchema } from '../schemas.ts'
import { managerCall } from './manager-call.ts'

/** Rows of one page of an answer. */
const MAX_ROWS = 1000
/** Images, blobs or URLs of one job. */
export const MAX_TARGETS = 100
/** Clusters of one job. */
export const MAX_JOB_CLUSTERS = 100
const MAX_PLATFORMS = 16
/** Headers that a job shows to a registry. */
const MAX_HEADERS = 32
const MAX_URL = 2048
/** A week. */
const MAX_LIMIT_SECONDS = 604_800

const countSchema = z.number().int().min(0)
const nameSchema = text(255).min(1)
const timeSchema = z.number()

/**
 * What a job does. `preheat`: brings images, blobs and what lies under URLs before anybody pulls them. `query`, `delete`, `pin`,
 * `unpin`: as at the trackers. `distribution`: which agents hold which blobs of an image. `gc`, `retention`: a look by the
 * build-indexes. `backfill`: replicates one tag to the other clusters now.
 */
export const managedJobKinds = [
  ...(['preheat', 'query', 'delete', 'pin', 'unpin', 'distribution'] as const),
  ...(['gc', 'retention', 'backfill'] as const),
] as const
export type ManagedJobKind = (typeof managedJobKinds)[number]

/** `single_origin`: each blob at the origin that owns it. `all_origins`: at each. `agents`: at the hosts that are said. */
export const jobScopes = ['single_origin', 'all_origins', 'agents'] as const

/** What somebody shows to a registry; it stays in memory. */
export const jobCredentialsSchema = z.strictObject({
  username: text(255).optional(),
  password: text(4096).optional(),
  headers: table(text(16_384), { max: MAX_HEADERS, maxKey: 128 }).optional(),
})
export type JobCredentials = z.output<typeof jobCredentialsSchema>

const jobKeys = {
  kind: z.enum(managedJobKinds),
  /** Names or ids; default: all. */
  clusters: list(nameSchema, MAX_JOB_CLUSTERS).optional(),
  /** `repository:tag`, `repository@digest`, the digest of a blob, or the URL of a manifest. */
  targets: list(text(MAX_URL).min(1), MAX_TARGETS).optional(),
  /** Files of the web. */
  urls: list(text(MAX_URL).min(1), MAX_TARGETS).optional(),
  scope: z.enum(jobScopes).optional(),
  hosts: list(nameSchema, MAX_JOB_HOSTS).optional(),
  zone: nameSchema.optional(),
  /** Only so many of the hosts, or this share of them, spread over the zones. */
  count: z.number().int().min(1).max(MAX_JOB_HOSTS).optional(),
  percent: z.number().gt(0).max(100).optional(),
  /** Default: that of each host; at origins every one. */
  platforms: list(platformTextSchema, MAX_PLATFORMS).optional(),
  /** Hosts that work at the same time; at origins blobs. */
  atOnce: z.number().int().min(1).max(1000).optional(),
  limitSeconds: z.number().int().min(1).max(MAX_LIMIT_SECONDS).optional(),
  /** Of `gc` and `retention`: nothing is removed. */
  dryRun: z.boolean().optional(),
  note: text(1024).optional(),
}

interface ScopeOfJob {
  readonly kind: ManagedJobKind
  readonly targets?: readonly string[] | undefined
  readonly urls?: readonly string[] | undefined
  readonly scope?: (typeof jobScopes)[number] | undefined
  readonly hosts?: readonly string[] | undefined
  readonly zone?: string | undefined
  readonly count?: number | undefined
  readonly percent?: number | undefined
}

const looks: readonly ManagedJobKind[] = ['gc', 'retention']
const doneByNoHosts: readonly ManagedJobKind[] = [...looks, 'backfill']

/** Of what a job is, and whether its kind is about such a thing. */
function faultOfTargets({ kind, targets = [], urls = [], scope }: ScopeOfJob): string | undefined {
  const things = targets.length + urls.length
  if (looks.includes(kind)) return things > 0 ? 'it is about a whole cluster, not about targets' : undefined
  if (things === 0) return 'say what: targets or urls'
  if (urls.length > 0 && kind !== 'preheat') return 'only a preheat takes urls'
  return scope !== undefined && scope !== 'agents' && kind !== 'preheat' ? 'only a preheat is for origins' : undefined
}

/** For whom it is. */
function faultOfHosts({ kind, scope, hosts, zone, count, percent }: ScopeOfJob): string | undefined {
  if (![hosts, zone, count, percent].some((each) => each !== undefined)) return undefined
  if (hosts !== undefined && zone !== undefined) return 'say hosts or zone, not both'
  if (hosts?.length === 0) return 'hosts names nobody'
  if (count !== undefined && percent !== undefined) return 'say count or percent, not both'
  if (kind === 'preheat' && scope !== 'agents') return 'hosts are those of the scope agents'
  return doneByNoHosts.includes(kind) ? 'it is done by no hosts' : undefined
}

/** What cannot go together. */
function checkJob(job: ScopeOfJob, ctx: z.RefinementCtx): void {
  for (const message of [faultOfTargets(job), faultOfHosts(job)])
    if (message !== undefined) ctx.addIssue({ code: 'custom', message })
}

/** A job as it is kept. */
export const jobSpecSchema = z.strictObject(jobKeys).superRefine(checkJob)
export type JobSpec = z.output<typeof jobSpecSchema>

/** A job as somebody gives it. */
export const managedJobBodySchema = z
  .strictObject({
    ...jobKeys,
    /** The same key with the same content is the same job; also as the header `Idempotency-Key`. */
    key: text(128).min(1).optional(),
    credentials: jobCredentialsSchema
      .refine(({ headers = {} }) => Object.keys(headers).length <= MAX_HEADERS, `at most ${MAX_HEADERS} headers`)
      .optional(),
  })
  .superRefine(checkJob)
export type ManagedJobBody = z.output<typeof managedJobBodySchema>

const tallySchema = z.object({
  ...{ waiting: countSchema, running: countSchema, done: countSchema, failed: countSchema, cancelled: countSchema },
})
export type JobTally = z.output<typeof tallySchema>

/** A piece of a job: what is done at one cluster for one target. */
const jobPartSchema = z.object({
  n: countSchema,
  /** The id of the cluster; empty for what the manager does itself. */
  cluster: text(255),
  /** `resolve`, `content`, `url`, `origins`, `fleet`, `gc`, `retention`, `backfill`. */
  step: text(32),
  target: text(MAX_URL).optional(),
  state: z.enum(jobStates),
  /** Who does it, and the id that it has there. */
  member: text(255).optional(),
  remoteId: text(64).optional(),
  code: text(64).optional(),
  message: text(1024).optional(),
})
export type JobPartAnswer = z.output<typeof jobPartSchema>

const jobAnswerSchema = z.object({
  id: text(64),
  /** The same job for tools that know integers alone. */
  number: z.number().int(),
  kind: z.enum(managedJobKinds),
  state: z.enum(jobStates),
  /** As it was given, without what is secret. */
  spec: opaque(),
  by: text(255),
  schedule: text(128).optional(),
  createdAtMs: timeSchema,
  startedAtMs: timeSchema.optional(),
  endedAtMs: timeSchema.optional(),
  /** The time limit. */
  untilMs: timeSchema,
  /** Somebody has asked for its end. */
  cancelAtMs: timeSchema.optional(),
  /** Why it has failed. */
  code: text(64).optional(),
  message: text(1024).optional(),
  rows: tallySchema,
  /** Of all rows together. */
  bytes: byteCountSchema,
  doneBytes: byteCountSchema,
})
export type ManagedJobAnswer = z.output<typeof jobAnswerSchema>

const jobDetailSchema = jobAnswerSchema.extend({ parts: list(jobPartSchema, MAX_ROWS) })

const jobRowSchema = z.object({
  /** Grows with each change of a row of the job. */
  seq: countSchema,
  part: countSchema,
  cluster: text(255),
  /** Its id: of an agent, an origin, or a build-index. */
  host: text(255),
  name: text(255).optional(),
  address: text(64).optional(),
  zone: text(255).optional(),
  /** The blob, where a row is of a single one. */
  blob: text(256).optional(),
  state: z.enum(jobStates),
  code: text(64).optional(),
  attempts: countSchema,
  bytes: byteCountSchema,
  doneBytes: byteCountSchema,
  blobs: countSchema,
  doneBlobs: countSchema,
  holds: z.enum(holdings).optional(),
})
export type JobRowAnswer = z.output<typeof jobRowSchema>

const jobContentSchema = z.object({
  contents: list(
    z.object({
      cluster: text(255),
      target: text(MAX_URL),
      digest: digestSchema,
      blobs: list(z.object({ digest: digestSchema, size: byteCountSchema.optional() }), 5000),
    }),
    MAX_ROWS,
  ),
})

const pageQuery = { n: 'entries on one page', last: 'continue after this entry: `next` of the page before' }
const reads = { resource: 'jobs', action: 'read' } as const
const writes = { resource: 'jobs', action: 'write' } as const

/** Jobs of a manager. */
export const jobCalls = {
  createJob: managerCall(
    writes,
    adminCall({
      method: 'POST',
      path: '/api/v1/jobs',
      summary: 'a job for images, blobs or URLs in one cluster or several: it is kept before this is answered',
      body: managedJobBodySchema,
      status: 202,
      codes: ['BODY_INVALID', 'JOB_KEY_TAKEN', 'JOBS_FULL', 'CLUSTER_UNKNOWN', 'ADDRESS_REFUSED', 'URL_INVALID'],
      answer: jobDetailSchema,
    }),
  ),
  jobs: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/jobs',
      summary: 'jobs, the newest first, page by page',
      query: {
        ...pageQuery,
        ...{ state: 'only those in this state', kind: 'only those of this kind' },
        ...{ cluster: 'only those that are done in this one', by: 'only those that this one has given' },
      },
      codes: ['REQUEST_INVALID', 'CLUSTER_UNKNOWN', 'PAGINATION_NUMBER_INVALID'],
      answer: z.object({ jobs: list(jobAnswerSchema, MAX_ROWS), next: text(64).optional() }),
    }),
  ),
  job: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/jobs/:id',
      summary: 'one job, and its parts',
      codes: ['JOB_UNKNOWN'],
      answer: jobDetailSchema,
    }),
  ),
  jobRows: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/jobs/:id/rows',
      summary: 'what became of each host and blob of a job so far, in the order of the last changes',
      query: { ...pageQuery, state: 'only those in this state' },
      codes: ['JOB_UNKNOWN', 'REQUEST_INVALID', 'PAGINATION_NUMBER_INVALID'],
      answer: z.object({ rows: list(jobRowSchema, MAX_ROWS), next: text(64).optional() }),
    }),
  ),
  jobContents: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/jobs/:id/contents',
      summary: 'the blobs of the images of a job, as far as they are known',
      codes: ['JOB_UNKNOWN'],
      answer: jobContentSchema,
    }),
  ),
  jobEvents: managerCall(
    reads,
    adminStream({
      method: 'GET',
      path: '/api/v1/jobs/:id/events',
      summary:
        'a job while it runs: `row` for each change of a row, `job` for each change of the whole; it ends with the job',
      codes: ['JOB_UNKNOWN', 'TOOMANYREQUESTS', 'STREAM_SHARE_FULL'],
      answer: z.union([jobRowSchema, jobAnswerSchema]),
    }),
  ),
  cancelJob: managerCall(
    writes,
    adminCall({
      method: 'POST',
      path: '/api/v1/jobs/:id/cancel',
      summary: 'ends a job: what waits is not begun, and hosts that work are told to stop',
      status: 202,
      codes: ['JOB_UNKNOWN', 'JOB_OVER'],
      answer: jobDetailSchema,
    }),
  ),
}
