import { z } from 'zod'
import { list, text } from './bounded.ts'
import { digestSchema, tagSchema } from './schemas.ts'

/** Of names of repositories, and of messages of errors. */
const MAX_TEXT = 4 * 1024
/** Tags, manifests, and repositories, that a report names: it lies in one record. */
export const MAX_SHOWN = 50
/** Tags or manifests of one repository on a page: the default and the maximum. */
export const MAX_VERDICTS = 500

const countSchema = z.number().int().min(0)

/**
 * Why a tag is kept. `noRule`: no rule is about it. `protected`, `immutable`: no rule may be. `signature`: it is the name of
 * a signature or of a list of referrers. `newest`, `young`, `pulled`: its rule keeps it. `undated`: nobody knows when it was
 * moved.
 */
export const keptReasons = [
  'noRule',
  'protected',
  'immutable',
  'signature',
  'newest',
  'young',
  'pulled',
  'undated',
] as const

const verdictSchema = z.object({
  tag: tagSchema,
  kept: z.boolean(),
  /** `expired`: it is not kept. */
  reason: z.enum([...keptReasons, 'expired']),
  /** The rule that is about it, counted from 0. */
  rule: countSchema.exactOptional(),
  /** When it was moved last; 0: nobody knows. */
  changedAtMs: z.number(),
  /** When somebody asked for it last, to the hour. */
  pulledAtMs: z.number().exactOptional(),
})
/** What the rules say of a tag. */
export type RetentionVerdict = z.output<typeof verdictSchema>

export const retentionVerdictsSchema = z.object({
  tags: list(verdictSchema, MAX_VERDICTS),
  next: tagSchema.exactOptional(),
})

/**
 * Why a manifest is kept. `tagged`: a tag points to it. `named`: one that stays names
 * it. `referrer`: it refers to one that stays, or signs it. `waiting`: nothing needs it, but not for long enough. `held`: it
 * is pinned at an origin, or a task there uses it.
 */
export const keptManifestReasons = ['tagged', 'named', 'referrer', 'waiting', 'held'] as const

const manifestVerdictSchema = z.object({
  digest: digestSchema,
  kept: z.boolean(),
  /** `expired`: it is not kept. */
  reason: z.enum([...keptManifestReasons, 'expired']),
  /** When a look found that nothing needs it; none: no look has, or somebody has asked for it since. */
  condemnedAtMs: z.number().exactOptional(),
})
/** What the rules say of a manifest. */
export type ManifestVerdict = z.output<typeof manifestVerdictSchema>

export const manifestVerdictsSchema = z.object({
  manifests: list(manifestVerdictSchema, MAX_VERDICTS),
  next: digestSchema.exactOptional(),
})

const manifestCountsSchema = z.object({
  manifests: countSchema,
  /** Found to be needed by nothing. */
  condemned: countSchema,
  removed: countSchema,
  /** Not removed, because somebody has asked for them since they were judged, or for what needs them. */
  spared: countSchema,
  kept: z.object(
    Object.fromEntries(keptManifestReasons.map((reason) => [reason, countSchema])) as Record<
      (typeof keptManifestReasons)[number],
      typeof countSchema
    >,
  ),
})
export type ManifestCounts = z.output<typeof manifestCountsSchema>

export const noManifestCounts = (): ManifestCounts => ({
  ...{ manifests: 0, condemned: 0, removed: 0, spared: 0 },
  kept: { tagged: 0, named: 0, referrer: 0, waiting: 0, held: 0 },
})

export const retentionCountsSchema = z.object({
  repositories: countSchema,
  tags: countSchema,
  removed: countSchema,
  /** Not removed, because they were moved, deleted or pulled since they were judged. */
  spared: countSchema,
  kept: z.object(Object.fromEntries(keptReasons.map((reason) => [reason, countSchema])) as KeptCounts),
})
type KeptCounts = Record<(typeof keptReasons)[number], typeof countSchema>
export type RetentionCounts = z.output<typeof retentionCountsSchema>

export const retentionReportSchema = z.object({
  id: text(64),
  state: z.enum(['running', 'done', 'failed', 'stopped']),
  dryRun: z.boolean(),
  startedAtMs: z.number(),
  updatedAtMs: z.number(),
  /** Where it is; a key of the index. */
  at: text(MAX_TEXT),
  counts: retentionCountsSchema,
  /** The first tags that were removed, or would be. */
  removed: list(verdictSchema.extend({ repository: text(MAX_TEXT) }), MAX_SHOWN),
  /** Of the manifests of repositories that a rule of `untagged` is about. Reports of before have none. */
  untagged: manifestCountsSchema.prefault(noManifestCounts),
  /** The first manifests that were removed, or would be. */
  removedManifests: list(
    z.object({ repository: text(MAX_TEXT), digest: digestSchema, condemnedAtMs: z.number().exactOptional() }),
    MAX_SHOWN,
  ).prefault([]),
  /** Repositories that keep all their tags or manifests, because they could not be read, and why. */
  unreadable: list(z.object({ repository: text(MAX_TEXT), code: text(64) }), MAX_SHOWN),
  lastError: z.object({ code: text(64), message: text(MAX_TEXT) }).exactOptional(),
})
/** What a look at the tags has found and done. In a dry run nothing is done, and `removed` says what would be. */
export type RetentionReport = z.output<typeof retentionReportSchema>
