import { z } from 'zod'
import { list, table, text } from './bounded.ts'
import { byteCountSchema, digestSchema, repositorySchema } from './schemas.ts'

/** What hosts can be told to do with an image or a blob. `query`: say what they hold of it. */
export const jobKinds = ['query', 'preload', 'delete', 'pin', 'unpin'] as const
export type JobKind = (typeof jobKinds)[number]

/** `failed`: it has ended, and at least one host did not do it. */
export const jobStates = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const
export type JobState = (typeof jobStates)[number]

/** Hosts that one job may name; also most hosts of one job. */
export const MAX_JOB_HOSTS = 5000
/** Blobs and manifests of an image: as many as the walk over an image gives. */
export const MAX_ORDER_ITEMS = 4608
/** Platforms that one job may name. */
const MAX_PLATFORMS = 16
/** Most hosts of one job that work at the same time. */
const MAX_AT_ONCE = 1000
/** A week: the longest time limit of a job, in seconds. */
const MAX_LIMIT_SECONDS = 604_800
/** Codes of failures that the answer about a job counts. */
const MAX_CODES = 256
/** Longest text of a repository with a digest. */
const MAX_TARGET = 800

const countSchema = z.number().int().min(0)
const nameSchema = text(255).min(1)
/** Milliseconds since the epoch. */
const timeSchema = z.number()

/** The machine that an image is for, as `linux/amd64`. */
export const platformTextSchema = text(64).regex(/^[a-z0-9]+\/[a-z0-9]+$/, 'write it like linux/amd64')

/** How far something is that consists of blobs; of a question, what the host holds. */
export const progressSchema = z.object({
  /** Blobs and manifests that are wanted, and their bytes; bytes of unknown size are left out. */
  blobs: countSchema,
  bytes: byteCountSchema,
  /** Those that are done, or held whole. */
  doneBlobs: countSchema,
  /** Those that are held in part. */
  partBlobs: countSchema,
  doneBytes: byteCountSchema,
})
export type Progress = z.output<typeof progressSchema>

/** The sum of byte counts, at most the largest one that can be told: sizes in a pushed manifest may be absurd. */
export const bytesTogether = (...counts: readonly number[]): number =>
  counts.reduce((sum, count) => Math.min(sum + count, Number.MAX_SAFE_INTEGER), 0)

/** Which hosts. */
export const jobScopeKeys = {
  /** Each is the id of a host, its peer id, its address, or its label `host`. */
  hosts: list(nameSchema, MAX_JOB_HOSTS).optional(),
  zone: nameSchema.optional(),
  /** All hosts. */
  all: z.literal(true).optional(),
  /** Only so many of them, or this share of them, spread over the zones. */
  count: z.number().int().min(1).max(MAX_JOB_HOSTS).optional(),
  percent: z.number().gt(0).max(100).optional(),
}

/** Exactly one of `hosts`, `zone` and `all` says which hosts, and `count` or `percent` how many of them. */
export function checkScope({ hosts, zone, all, count, percent }: Partial<JobScope>, ctx: z.RefinementCtx): void {
  const complain = (message: string) => ctx.addIssue({ code: 'custom', message })
  if ([hosts, zone, all].filter((each) => each !== undefined).length !== 1)
    complain('say for which hosts: exactly one of hosts, zone and all')
  if (hosts?.length === 0) complain('hosts names nobody')
  if (count !== undefined && percent !== undefined) complain('say count or percent, not both')
}

export const jobScopeSchema = z.object(jobScopeKeys)
export type JobScope = z.output<typeof jobScopeSchema>

/** A job as an admin gives it. */
export const jobBodySchema = z
  .strictObject({
    kind: z.enum(jobKinds),
    /** `repository:tag`, `repository@digest`, or the digest of a blob. */
    target: text(MAX_TARGET).min(1),
    ...jobScopeKeys,
    /** Default: the platform of each host. */
    platforms: list(platformTextSchema, MAX_PLATFORMS).optional(),
    /** Hosts that work at the same time. */
    atOnce: z.number().int().min(1).max(MAX_AT_ONCE).optional(),
    limitSeconds: z.number().int().min(1).max(MAX_LIMIT_SECONDS).optional(),
    /** The same key with the same content is the same job. */
    key: text(128).min(1).optional(),
  })
  .superRefine(checkScope)
export type JobBody = z.output<typeof jobBodySchema>

/** A job as a tracker keeps it over a restart. */
export const keptJobSchema = z.object({
  id: text(64),
  kind: z.enum(jobKinds),
  target: text(MAX_TARGET),
  /** What the target stood for when the job was made. */
  digest: digestSchema,
  repository: repositorySchema.optional(),
  /** The target is an image. */
  manifest: z.object({ mediaType: text(255), size: byteCountSchema }).optional(),
  /** Of a single blob, if it is known. */
  size: byteCountSchema.optional(),
  scope: jobScopeSchema,
  platforms: list(platformTextSchema, MAX_PLATFORMS).optional(),
  atOnce: countSchema,
  /** Name of the secret that was shown. */
  by: text(64),
  key: text(128).optional(),
  createdAtMs: timeSchema,
  /** The time limit. */
  untilMs: timeSchema,
  ended: z.object({ state: z.enum(['done', 'failed', 'cancelled']), atMs: timeSchema }).optional(),
})
export type KeptJob = z.output<typeof keptJobSchema>

/** One host of a job, as a tracker keeps it over a restart. */
export const keptRowSchema = z.object({
  /** Its id; until it was seen, the name that the admin has given. */
  host: nameSchema,
  /** What was named, if it is not the id. */
  named: nameSchema.optional(),
  address: text(45).optional(),
  zone: nameSchema.optional(),
  label: text(255).optional(),
  state: z.enum(jobStates),
  /** Of the last failure. */
  code: text(64).optional(),
  /** Tries that have failed. */
  attempts: countSchema,
  progress: progressSchema,
})
export type KeptRow = z.output<typeof keptRowSchema>

/** What an image or a blob consists of. */
export const contentSchema = z.object({
  digest: digestSchema,
  repository: text(MAX_TARGET).optional(),
  image: z.boolean(),
  /** Manifests have a media type. Bytes of unknown size are left out. */
  items: list(
    z.object({ digest: digestSchema, size: byteCountSchema.optional(), mediaType: text(255).optional() }),
    MAX_ORDER_ITEMS,
  ),
})
export type ContentAnswer = z.output<typeof contentSchema>

const tallySchema = z.object({
  waiting: countSchema,
  running: countSchema,
  done: countSchema,
  failed: countSchema,
  cancelled: countSchema,
})

/** How much of something a host holds. */
export const holdings = ['nothing', 'part', 'whole'] as const
export type Holding = (typeof holdings)[number]

export const jobSchema = keptJobSchema.omit({ ended: true, repository: true, key: true, manifest: true }).extend({
  repository: text(MAX_TARGET).optional(),
  image: z.boolean(),
  /** In lists and events the names of hosts are counted only, in `named`. */
  scope: jobScopeSchema.extend({ named: countSchema.optional() }),
  state: z.enum(jobStates),
  endedAtMs: timeSchema.optional(),
  hosts: tallySchema,
  /** Of a question: how many hosts hold how much. */
  holds: z.object({ nothing: countSchema, part: countSchema, whole: countSchema }).optional(),
  /** Of all hosts together. */
  progress: progressSchema,
  /** How many hosts have failed with which code. */
  failures: table(countSchema, { max: MAX_CODES, maxKey: 64 }),
})
export type JobAnswer = z.output<typeof jobSchema>

export const jobHostSchema = keptRowSchema.extend({ holds: z.enum(holdings).optional() })
export type JobHostAnswer = z.output<typeof jobHostSchema>
