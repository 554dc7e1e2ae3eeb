import { z } from 'zod'
import { adminCall } from './admin.ts'
import { list, text } from './bounded.ts'
import { catalogCalls } from './catalog-calls.ts'
import { clustersAnswerSchema } from './garbage.ts'
import { givenRemoteCalls } from './given-remotes.ts'
import { adminApi } from './openapi.ts'
import { remoteSchema, webhookSchema } from './remote-answers.ts'
import { tagVersionSchema } from './replication.ts'
import { manifestVerdictsSchema, retentionReportSchema, retentionVerdictsSchema } from './retention.ts'
import { ringCalls } from './ring-admin.ts'
import { byteCountSchema, digestSchema, repositorySchema, tagSchema } from './schemas.ts'
import { settingsCalls } from './settings-call.ts'
import { upstreamStandingSchema } from './upstream-talk.ts'

/** Entries of one list in an answer. */
const MAX_ENTRIES = 1000
/** Upstreams in an answer, each once for each process that knows it. */
const MAX_STANDINGS = 50_000
/** Of names in the config, and of messages of errors. */
const MAX_TEXT = 4 * 1024

const countSchema = z.number().int().min(0)
const nameSchema = text(64)

/**
 * `lost`: the remote has a later version from another cluster. `dead`: it failed for good or too often, and waits for a
 * retry. `cancelled`: somebody ended it.
 */
export const replicationStates = ['waiting', 'running', 'done', 'lost', 'dead', 'cancelled'] as const
export type ReplicationState = (typeof replicationStates)[number]

/** One tag on its way to one remote. */
export const replicationSchema = z.object({
  remote: nameSchema,
  repository: text(MAX_TEXT),
  tag: text(128),
  state: z.enum(replicationStates),
  /** What the tag points to, and its version; without a digest it was deleted. */
  digest: digestSchema.optional(),
  version: tagVersionSchema.optional(),
  /**
   * `taken`: the remote set or deleted the tag. `same`: it had it already. `older`: it has `laterVersion`. `gone`: there
   * was nothing to send. `unwanted`: no rule asks for it.
   */
  outcome: z.enum(['taken', 'same', 'older', 'gone', 'unwanted']).optional(),
  laterVersion: tagVersionSchema.optional(),
  /** Bytes that the remote has of all that the tag needs. */
  doneBytes: byteCountSchema,
  totalBytes: byteCountSchema,
  sentBytes: byteCountSchema,
  bytesPerSecond: byteCountSchema,
  /** Tries that have failed. */
  attempts: countSchema,
  lastError: z.object({ code: text(64), message: text(MAX_TEXT) }).optional(),
  updatedAtMs: z.number(),
  /** Uploads under way at origins of the remote; they are continued after a restart. */
  uploads: list(
    z.object({
      digest: digestSchema,
      origin: text(128),
      id: text(256),
      member: text(128).exactOptional(),
      /** When it last went on. */
      movedAtMs: z.number(),
    }),
    MAX_ENTRIES,
  ),
})
export type Replication = z.output<typeof replicationSchema>
export type ReplicationUpload = Replication['uploads'][number]

/** Repositories of a report that could not be looked at, and places that could not. */
const MAX_NAMED = 100

/**
 * What a look for garbage has found and done. In a dry run nothing is done, and the counts say what would be.
 * Links are those of blobs in repositories; blobs are those in the backends.
 */
export const garbageCountsSchema = z.object({
  repositories: countSchema,
  manifests: countSchema,
  links: countSchema,
  linksCondemned: countSchema,
  linksWaiting: countSchema,
  linksRemoved: countSchema,
  blobs: countSchema,
  blobsCondemned: countSchema,
  blobsWaiting: countSchema,
  blobsPardoned: countSchema,
  /** Pinned at an origin, or in use there. */
  blobsHeld: countSchema,
  blobsRemoved: countSchema,
  bytesRemoved: byteCountSchema,
})
export type GarbageCounts = z.output<typeof garbageCountsSchema>

export const garbageStates = ['running', 'done', 'failed', 'stopped'] as const

export const garbageReportSchema = z.object({
  id: nameSchema,
  state: z.enum(garbageStates),
  dryRun: z.boolean(),
  graceMs: countSchema,
  startedAtMs: z.number(),
  updatedAtMs: z.number(),
  /** Where it is: among the links of repositories, then among the blobs of a place. */
  phase: z.enum(['links', 'blobs']),
  at: text(MAX_TEXT),
  counts: garbageCountsSchema,
  /** Repositories that keep all their links, because a manifest of theirs could not be read, and why. */
  unreadable: list(z.object({ repository: text(MAX_TEXT), code: text(64) }), MAX_NAMED),
  /** Backends of blobs that cannot be listed: they have a collector of their own. */
  unsupported: list(nameSchema, MAX_NAMED),
  lastError: z.object({ code: text(64), message: text(MAX_TEXT) }).exactOptional(),
})
export type GarbageReport = z.output<typeof garbageReportSchema>

const one = '/replications/:remote/:repository/:tag'
const unknown = ['REPLICATION_UNKNOWN', 'REMOTE_UNKNOWN', 'NAME_INVALID', 'TAG_INVALID'] as const

/** The admin API of a build-index; docs/endpoints.md has a row for each call. */
export const buildIndexAdmin = adminApi({
  ...ringCalls,
  ...settingsCalls,
  ...givenRemoteCalls,
  remotes: adminCall({
    method: 'GET',
    path: '/remotes',
    summary: 'the clusters that tags are replicated to, whether they answer, and how far older tags were looked for',
    answer: z.object({
      cluster: nameSchema,
      /** Shards of the work that this build-index does. */
      shards: list(countSchema, MAX_ENTRIES),
      remotes: list(remoteSchema, MAX_ENTRIES),
      /** Who is told of tags over HTTP. How that goes for a tag is among the replications, under its name. */
      webhooks: list(webhookSchema, MAX_ENTRIES),
    }),
  }),
  replications: adminCall({
    method: 'GET',
    path: '/replications',
    summary: 'how tags on their way to other clusters stand, page by page',
    query: {
      state: `only those that are ${replicationStates.join(', ')}`,
      repository: 'only those of this repository',
      remote: 'only those to this remote',
      n: 'entries on one page',
      last: 'continue after this entry: `next` of the page before',
    },
    codes: ['REQUEST_INVALID', 'NAME_INVALID', 'PAGINATION_NUMBER_INVALID'],
    answer: z.object({ replications: list(replicationSchema, MAX_ENTRIES), next: text(MAX_TEXT).optional() }),
  }),
  replication: adminCall({
    method: 'GET',
    path: one,
    summary: 'how one tag on its way to one remote stands',
    codes: unknown,
    answer: replicationSchema,
  }),
  replicate: adminCall({
    method: 'POST',
    path: '/replications',
    summary: 'replicates one tag now: to one remote, or to all whose rules fit',
    body: z.object({ repository: repositorySchema, tag: tagSchema, remote: nameSchema.optional() }),
    status: 202,
    codes: ['BODY_INVALID', 'MANIFEST_UNKNOWN', 'REMOTE_UNKNOWN'],
    answer: z.object({
      remotes: list(nameSchema, MAX_ENTRIES),
      /** Their statuses from before the order, which are not what becomes of it. Build-indexes of older versions do not say. */
      before: list(z.object({ remote: nameSchema, updatedAtMs: z.number().optional() }), MAX_ENTRIES).optional(),
    }),
  }),
  retryReplication: adminCall({
    method: 'POST',
    path: `${one}/retry`,
    summary: 'tries it now, also when it was given up',
    status: 202,
    codes: unknown,
  }),
  gc: adminCall({
    method: 'POST',
    path: '/garbage',
    summary: 'looks for garbage: links that no manifest needs, and blobs that nobody links',
    body: z.object({ dryRun: z.boolean().exactOptional() }),
    status: 202,
    codes: ['BODY_INVALID', 'GARBAGE_RUNNING', 'UNSUPPORTED'],
    answer: garbageReportSchema,
  }),
  gcReport: adminCall({
    method: 'GET',
    path: '/garbage',
    summary: 'how far the look for garbage is, or what the last one has found',
    codes: ['GARBAGE_NEVER', 'UNSUPPORTED'],
    answer: garbageReportSchema,
  }),
  gcStop: adminCall({
    method: 'DELETE',
    path: '/garbage',
    summary: 'ends the look for garbage; what is condemned stays so',
    status: 202,
    codes: ['GARBAGE_NEVER', 'UNSUPPORTED'],
  }),
  upstreams: adminCall({
    method: 'GET',
    path: '/upstreams',
    summary: 'the registries of others that were asked for something, as this build-index and the origins know them',
    answer: z.object({
      upstreams: list(upstreamStandingSchema.extend({ at: text(128) }), MAX_STANDINGS),
      /** Origins that did not answer. */
      silent: list(text(128), MAX_ENTRIES),
    }),
  }),
  gcTakeOver: adminCall({
    method: 'POST',
    path: '/garbage/take-over',
    summary: 'says that no other cluster writes in the backends of the blobs any more, and removes their marks',
    codes: ['UNSUPPORTED'],
    answer: clustersAnswerSchema,
  }),
  retention: adminCall({
    method: 'POST',
    path: '/retention',
    summary: 'looks at all tags and manifests by the rules of retention, and deletes those that no rule keeps',
    body: z.object({ dryRun: z.boolean().exactOptional() }),
    status: 202,
    codes: ['BODY_INVALID', 'RETENTION_RUNNING', 'UNSUPPORTED'],
    answer: retentionReportSchema,
  }),
  retentionReport: adminCall({
    method: 'GET',
    path: '/retention',
    summary: 'how far the look at the tags is, or what the last one has done',
    codes: ['RETENTION_NEVER', 'UNSUPPORTED'],
    answer: retentionReportSchema,
  }),
  retentionStop: adminCall({
    method: 'DELETE',
    path: '/retention',
    summary: 'ends the look at the tags',
    status: 202,
    codes: ['RETENTION_NEVER', 'UNSUPPORTED'],
  }),
  retentionTags: adminCall({
    method: 'GET',
    path: '/retention/:repository',
    summary: 'what the rules say of each tag of a repository now, and why; nothing is done',
    query: {
      n: 'tags on one page',
      last: 'continue after this tag: `next` of the page before',
    },
    codes: ['NAME_INVALID', 'PAGINATION_NUMBER_INVALID', 'RETENTION_TOO_MANY_TAGS', 'UNSUPPORTED'],
    answer: retentionVerdictsSchema,
  }),
  retentionManifests: adminCall({
    method: 'GET',
    path: '/retention/:repository/manifests',
    summary: 'what the rules say of each manifest of a repository now, and why; nothing is done',
    query: { n: 'manifests on one page', last: 'continue after this digest: `next` of the page before' },
    codes: ['NAME_INVALID', 'PAGINATION_NUMBER_INVALID', 'RETENTION_TOO_MANY_MANIFESTS', 'UNSUPPORTED'],
    answer: manifestVerdictsSchema,
  }),
  ...catalogCalls,
  cancelReplication: adminCall({
    method: 'DELETE',
    path: one,
    summary: 'ends it; a later change of the tag starts it again',
    status: 202,
    codes: unknown,
  }),
})
