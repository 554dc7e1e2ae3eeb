import { z } from 'zod'
import { pullClasses, type WaitCause, waitCauses } from '../core/index.ts'
import { adminCall } from './admin.ts'
import { list, text } from './bounded.ts'
import { byteCountSchema, digestSchema } from './schemas.ts'

/** Pulls on one page, and rows of each list in one pull. */
const MAX_PAGE = 200
const MAX_ROWS = 512
const MAX_NAME = 600

const countSchema = z.number().int().min(0)
const msSchema = z.number().min(0)
const causeSchema = z.enum(Object.keys(waitCauses) as [WaitCause, ...WaitCause[]])

/** A peer; `name` is that of an origin in the agent's config, where its host tells. */
const sourceSchema = z.object({
  id: text(64),
  address: text(MAX_NAME),
  role: z.enum(['agent', 'origin']),
  name: text(MAX_NAME).optional(),
})

const waitSchema = z.object({ cause: causeSchema, from: sourceSchema.optional(), ms: msSchema })

const rowSchema = z.object({
  id: text(64),
  /** `lookup` asks the build-index what a tag or a digest stands for; `tool` is a GET of `/namespace`. */
  kind: z.enum(['lookup', 'manifest', 'blob', 'tool']),
  repository: text(MAX_NAME),
  /** The tag or the digest that was asked for. */
  reference: text(256),
  /** How it counts beside others. */
  class: z.enum(pullClasses).default('normal'),
  /** For which application, as the client says. */
  application: text(64).optional(),
  /** What it stands for, once that is known. */
  digest: digestSchema.optional(),
  /** Bytes of the whole content. */
  size: byteCountSchema.optional(),
  startedAtMs: z.number(),
  firstByteMs: msSchema.optional(),
  totalMs: msSchema,
  /** `running`, `done`, `unread` (nothing was read), `left` (the client went away), or the code of an error. */
  outcome: text(64),
  /** Payload by where it came from; `cache` was here when the pull began. */
  bytes: z.object({ peer: byteCountSchema, origin: byteCountSchema, http: byteCountSchema, cache: byteCountSchema }),
  /** What it waited for the longest, other than the client. */
  longestWait: waitSchema.optional(),
})

/** All that is known of one pull. */
export const tracedPullSchema = rowSchema.extend({
  /** Code of the last step that failed, even when another source then gave the bytes. */
  lastStepFailed: text(64).optional(),
  /** All of its time by cause and peer. */
  waits: list(waitSchema.extend({ times: countSchema, holders: countSchema }), MAX_ROWS),
  /** The longest waits one by one; `atMs` counts from its start. */
  longest: list(waitSchema.extend({ atMs: msSchema }), MAX_ROWS),
  /** What each peer did for it. */
  sources: list(
    sourceSchema.extend({
      bytes: byteCountSchema,
      bytesPerSecond: z.number().min(0).optional(),
      asked: countSchema,
      outrun: countSchema,
      late: countSchema,
      refused: countSchema,
      repeats: countSchema,
      wrong: countSchema,
    }),
    MAX_ROWS,
  ),
  /** What a manifest names. */
  names: list(z.object({ as: z.enum(['config', 'layer', 'manifest']), digest: digestSchema }), MAX_ROWS),
})

/** A page of pulls. */
export const pullPageSchema = z.object({ pulls: list(rowSchema, MAX_PAGE), next: text(64).optional() })

/** One pull in short, as it stands in the list. */
export type PullRow = z.output<typeof rowSchema>
/** All that is known of one pull. */
export type TracedPull = z.output<typeof tracedPullSchema>

/** What an agent remembers of its last pulls. */
export const pullCalls = {
  pulls: adminCall({
    method: 'GET',
    path: '/pulls',
    summary: 'the last pulls and those under way, newest first, page by page',
    query: {
      digest: 'only of this content',
      repository: 'only of this repository',
      outcome: 'only with this outcome',
      slowerThan: 'only those that took, or have taken, more milliseconds',
      since: 'only those that began at this time or later, in milliseconds since the epoch',
      n: 'pulls on one page',
      last: 'continue after this pull: `next` of the page before',
    },
    codes: ['BODY_INVALID', 'DIGEST_INVALID', 'PAGINATION_NUMBER_INVALID'],
    answer: pullPageSchema,
  }),
  pull: adminCall({
    method: 'GET',
    path: '/pulls/:id',
    summary: 'one pull: what it waited for, and what each peer did for it',
    codes: ['PULL_UNKNOWN'],
    answer: tracedPullSchema,
  }),
}
