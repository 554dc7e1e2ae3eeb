import { z } from 'zod'
import { list, text } from './bounded.ts'
import { byteCountSchema } from './schemas.ts'

/** Addresses, rules or kinds of events of one of them. */
const MAX_ENTRIES = 1000
/** Characters of a pattern, and of where a walk is. */
const MAX_TEXT = 4 * 1024

const countSchema = z.number().int().min(0)
const nameSchema = text(64)

const backfillSchema = z.object({
  repository: text(MAX_TEXT),
  tag: text(MAX_TEXT),
  /** Tags that were looked at, and those of them that fit. */
  looked: countSchema,
  fitting: countSchema,
  /** Where it is; absent before its begin and after its end. */
  at: text(MAX_TEXT).optional(),
  doneAtMs: z.number().optional(),
})
/** How far the tags of before were looked for that fit a rule. */
export type Backfill = z.output<typeof backfillSchema>

/** `config`: the config of the build-indexes names it. `given`: a manager does, or an admin in its place. */
export const remoteSources = ['config', 'given'] as const

/** Another cluster that tags are replicated to, and how it is. */
export const remoteSchema = z.object({
  name: nameSchema,
  from: z.enum(remoteSources).default('config'),
  urls: list(text(2048), MAX_ENTRIES),
  /** Name of the other cluster; absent while it does not answer. */
  cluster: nameSchema.optional(),
  reachable: z.boolean(),
  lastError: text(64).optional(),
  /** Milliseconds until it may be sent to; 0: now. */
  opensInMs: countSchema,
  /** Absent: no limit. */
  bytesPerSecond: byteCountSchema.optional(),
  concurrency: countSchema,
  signatures: z.boolean(),
  deletes: z.boolean(),
  rules: list(backfillSchema, MAX_ENTRIES),
})
export type RemoteAnswer = z.output<typeof remoteSchema>

/** Somebody who is told of tags over HTTP. */
export const webhookSchema = z.object({
  name: nameSchema,
  /** Scheme, host and port: a path may be secret. */
  origin: text(2048),
  events: list(text(64), MAX_ENTRIES),
  rules: list(z.object({ repository: text(MAX_TEXT), tag: text(MAX_TEXT) }), MAX_ENTRIES),
})
