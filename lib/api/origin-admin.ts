import { z } from 'zod'
import { adminCall } from './admin.ts'
import { list, opaque, table, text } from './bounded.ts'
import { adminApi } from './openapi.ts'
import { ringCalls } from './ring-admin.ts'
import { byteCountSchema, digestSchema } from './schemas.ts'
import { settingsCalls } from './settings-call.ts'
import { urlAnswerSchema, urlAskedSchema } from './urls.ts'

/** Entries of one list in an answer; an answer of 4 MiB has no room for more. */
const MAX_ENTRIES = 50_000
/** Of names that the origin makes, and of messages of errors. */
const MAX_TEXT = 16 * 1024

const countSchema = z.number().int().min(0)

/** Milliseconds since the epoch. */
const timeSchema = z.number()

const uploadSchema = z.object({
  id: text(256),
  size: byteCountSchema,
  usedAtMs: timeSchema,
  rest: text(32),
  client: text(256).optional(),
})

const ingestSchema = z.object({
  id: text(MAX_TEXT),
  digest: digestSchema,
  repository: text(MAX_TEXT),
  size: byteCountSchema.optional(),
  heldBytes: byteCountSchema,
  receivedBytes: byteCountSchema,
  from: text(32).optional(),
  member: text(255).optional(),
  state: text(32),
  reads: countSchema,
  holds: countSchema,
  whole: z.boolean(),
  startedAtMs: timeSchema,
})

const keptBlobSchema = z.object({
  digest: digestSchema,
  size: byteCountSchema,
  usedAtMs: timeSchema,
  verifiedAtMs: timeSchema.optional(),
  holds: list(text(255), 64),
})

/** Whether a blob is here whole, or how much of it has come. */
const broughtSchema = z.object({
  whole: z.boolean(),
  size: byteCountSchema.optional(),
  heldBytes: byteCountSchema,
})
export type BroughtAnswer = z.output<typeof broughtSchema>

const scrubSchema = z.object({
  verifiedBlobs: countSchema,
  verifiedBytes: byteCountSchema,
  due: countSchema,
  current: digestSchema.optional(),
  findings: list(
    z.object({
      digest: digestSchema,
      size: byteCountSchema,
      atMs: timeSchema,
      pieces: list(countSchema, MAX_ENTRIES),
      outcome: text(255),
      from: text(255).optional(),
    }),
    MAX_ENTRIES,
  ),
})

const walkSchema = z.object({
  startedAtMs: timeSchema,
  endedAtMs: timeSchema.optional(),
  blobs: countSchema,
  done: countSchema,
  copies: countSchema,
  bytes: byteCountSchema,
  failures: countSchema,
  unsafe: countSchema,
})

const handOverSchema = z.object({ walk: walkSchema.optional() })
const drainSchema = handOverSchema.extend({ state: text(255) })

const taskSchema = z.object({
  id: text(MAX_TEXT),
  kind: text(MAX_TEXT),
  key: text(MAX_TEXT),
  payload: opaque(),
  state: text(255),
  attempts: countSchema,
  dueAtMs: timeSchema,
  createdAtMs: timeSchema,
  lastError: text(MAX_TEXT).optional(),
})

const journalSchema = z.object({
  waiting: countSchema,
  running: countSchema,
  dead: countSchema,
  unreadable: countSchema,
  oldestMs: z.number(),
  waitingBytes: byteCountSchema,
  maxWaitingBytes: byteCountSchema,
})

const pageQuery = {
  n: 'entries on one page',
  last: 'continue after this entry: `next` of the page before',
}

/** The admin API of an origin; docs/endpoints.md has a row for each call. */
export const originAdmin = adminApi({
  ...ringCalls,
  ...settingsCalls,
  blobs: adminCall({
    method: 'GET',
    path: '/blobs',
    summary: 'blobs at rest and what keeps them, page by page',
    query: pageQuery,
    answer: z.object({
      usedBytes: byteCountSchema,
      blobs: list(keptBlobSchema, MAX_ENTRIES),
      next: text(MAX_TEXT).optional(),
    }),
  }),
  blob: adminCall({
    method: 'GET',
    path: '/blobs/:digest',
    summary: 'one blob, and where else it is',
    codes: ['BLOB_UNKNOWN'],
    answer: keptBlobSchema.extend({
      keeper: z.boolean(),
      inBackend: z.boolean(),
      others: table(text(255), { max: 10_000, maxKey: 255 }),
    }),
  }),
  evict: adminCall({
    method: 'DELETE',
    path: '/blobs/:digest',
    summary: 'evicts a blob',
    query: { force: 'true: evict it although it is pinned, leased or the last copy' },
    codes: ['BLOB_UNKNOWN', 'BLOB_HELD', 'BLOB_LAST_COPY'],
  }),
  repair: adminCall({
    method: 'POST',
    path: '/blobs/:digest/repair',
    summary: 'verifies a blob and brings it again when it is rotten',
    answer: z.object({ verdict: text(255) }),
  }),
  pin: adminCall({
    method: 'PUT',
    path: '/blobs/:digest/pin',
    summary: 'keeps the blob from being evicted',
    codes: ['BLOB_UNKNOWN'],
  }),
  unpin: adminCall({
    method: 'DELETE',
    path: '/blobs/:digest/pin',
    summary: 'lets it be evicted again',
    codes: ['BLOB_UNKNOWN'],
  }),
  bring: adminCall({
    method: 'POST',
    path: '/blobs/:digest/bring',
    summary: 'brings the whole blob if it is not here, and tells how far it is; asked again, it goes on',
    query: { repository: 'the repository that it is a blob of, as in the names of images' },
    codes: [
      ...(['DIGEST_INVALID', 'NAME_INVALID', 'BLOB_UNKNOWN', 'NOT_OWNER', 'DIGEST_REFUSED'] as const),
      ...(['BACKEND_CORRUPT', 'BACKEND_UNAVAILABLE', 'STORE_FULL'] as const),
    ],
    answer: broughtSchema,
  }),
  bringUrl: adminCall({
    method: 'POST',
    path: '/urls',
    summary: 'brings what lies under a URL, and tells how far it is; asked again, it goes on',
    body: urlAskedSchema,
    codes: ['BODY_INVALID', 'URL_NOT_NAMED', 'URL_UNKNOWN', 'URL_NOT_SHARED', 'LISTENER_BUSY', 'BACKEND_UNAVAILABLE'],
    answer: urlAnswerSchema,
  }),
  ingests: adminCall({
    method: 'GET',
    path: '/ingests',
    summary: 'blobs that are being brought, page by page',
    query: pageQuery,
    answer: z.object({ ingests: list(ingestSchema, MAX_ENTRIES), next: text(MAX_TEXT).optional() }),
  }),
  scrub: adminCall({
    method: 'GET',
    path: '/scrub',
    summary: 'what was verified, and what was found',
    answer: scrubSchema,
  }),
  scrubNow: adminCall({
    method: 'POST',
    path: '/scrub',
    summary: 'verifies all blobs from now on, at the usual rate',
    status: 202,
    answer: scrubSchema,
  }),
  handOver: adminCall({
    method: 'GET',
    path: '/hand-over',
    summary: 'the walk under way, or the last one',
    answer: handOverSchema,
  }),
  handOverNow: adminCall({
    method: 'POST',
    path: '/hand-over',
    summary: 'walks over all blobs now',
    status: 202,
    answer: handOverSchema,
  }),
  drain: adminCall({
    method: 'GET',
    path: '/drain',
    summary: 'whether this origin may be taken out',
    answer: drainSchema,
  }),
  leave: adminCall({
    method: 'POST',
    path: '/drain',
    summary: 'begins to leave: hands over what only this origin has',
    status: 202,
    answer: drainSchema,
  }),
  stay: adminCall({ method: 'DELETE', path: '/drain', summary: 'stays after all', answer: drainSchema }),
  uploads: adminCall({
    method: 'GET',
    path: '/uploads',
    summary: 'uploads that are no blobs yet, page by page',
    query: pageQuery,
    answer: z.object({ uploads: list(uploadSchema, MAX_ENTRIES), next: text(256).optional() }),
  }),
  cancelUpload: adminCall({
    method: 'DELETE',
    path: '/uploads/:id',
    summary: 'ends an upload, and removes its bytes',
    codes: ['BLOB_UPLOAD_UNKNOWN'],
  }),
  journal: adminCall({
    method: 'GET',
    path: '/journal',
    summary: 'counts of tasks and waiting bytes',
    answer: journalSchema,
  }),
  tasks: adminCall({
    method: 'GET',
    path: '/journal/tasks',
    summary: 'tasks, page by page',
    query: { state: 'only tasks that are waiting, running or dead', ...pageQuery },
    answer: z.object({ tasks: list(taskSchema, MAX_ENTRIES), next: text(MAX_TEXT).optional() }),
  }),
  task: adminCall({
    method: 'GET',
    path: '/journal/tasks/:id',
    summary: 'one task',
    codes: ['TASK_UNKNOWN'],
    answer: taskSchema,
  }),
  retry: adminCall({
    method: 'POST',
    path: '/journal/tasks/:id/retry',
    summary: 'tries it now',
    codes: ['TASK_UNKNOWN'],
    answer: taskSchema,
  }),
  retryDead: adminCall({
    method: 'POST',
    path: '/journal/retry',
    summary: 'tries all dead tasks',
    answer: z.object({ retried: countSchema }),
  }),
  giveUp: adminCall({
    method: 'DELETE',
    path: '/journal/tasks/:id',
    summary: 'gives up a dead task',
    query: { force: 'must be true: the blob may then be evicted, and be lost' },
    codes: ['TASK_UNKNOWN', 'TASK_NOT_DEAD'],
  }),
})
