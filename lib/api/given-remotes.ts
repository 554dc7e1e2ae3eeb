import { z } from 'zod'
import { baseUrl } from '../config/index.ts'
import { adminCall } from './admin.ts'
import { list, text } from './bounded.ts'
import { givenSetKeys, heldSetSchema } from './given-sets.ts'
import { remoteSources } from './remote-answers.ts'
import { hashOfValues } from './steering.ts'

/** Remotes that one cluster takes, and bytes of all of them as JSON: the set is one record of the index. */
export const MAX_GIVEN_REMOTES = 32
export const MAX_GIVEN_REMOTES_BYTES = 40 * 1024
/** Rules of all of them together. */
export const MAX_GIVEN_RULES = 256
/** Addresses of one of them, and windows of a day. */
export const MAX_REMOTE_URLS = 16
const MAX_WINDOWS = 16
/** Characters of an address, and of a pattern. */
export const MAX_REMOTE_URL = 255
const MAX_PATTERN = 255
/** Remotes in an answer: those that are given, and those of the config. */
const MAX_SHOWN = 1_000

const some = <S extends z.ZodType<readonly unknown[]>>(schema: S) =>
  schema.refine((items) => items.length > 0, 'must not be empty')

export const remoteName = text(63).regex(
  /^[a-z0-9][a-z0-9-]{0,62}$/,
  'a name has lower-case letters, digits and "-", at most 63 characters',
)

/** Secrets of a remote are in the config alone. */
const hasNoSecret = (url: string) => {
  const { username, password, search, hash } = new URL(url)
  return username + password + search + hash === ''
}
const remoteUrl = text(MAX_REMOTE_URL)
  .pipe(baseUrl)
  .refine((url) => URL.canParse(url) && hasNoSecret(url), 'must be an http or https URL without a user, "?" and "#"')

/** `*` stands for any characters, or none. */
const pattern = text(MAX_PATTERN).min(1)
/** Tags of repositories; both patterns have to fit. */
export const givenRuleSchema = z.strictObject({ repository: pattern, tag: pattern.default('*') })
export type GivenRule = z.output<typeof givenRuleSchema>

const timeOfDay = text(5).regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'a time of day is written like 22:30, in UTC')

const remoteKeys = {
  name: remoteName,
  /** Build-indexes of the other cluster. */
  urls: some(list(remoteUrl, MAX_REMOTE_URLS)),
  /** The tags that go there: those that fit one of the rules. */
  rules: some(list(givenRuleSchema, MAX_GIVEN_RULES)),
  /** When they go there, each day; none: at once. */
  windows: list(z.strictObject({ from: timeOfDay, to: timeOfDay }), MAX_WINDOWS).default([]),
  /** Most bytes in a second, of all build-indexes of this cluster together; absent: no limit. */
  bandwidth: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  /** Blobs that one build-index has sent at the same time. */
  concurrency: z.number().int().min(1).max(64).default(4),
  /** Whether signatures, attestations and bills of materials go along. */
  signatures: z.boolean().default(true),
  /** Whether a tag that is deleted here is deleted there. */
  deletes: z.boolean().default(false),
}
/** A cluster that tags are replicated to, as the keys of `remotes` in a config, without its secret. */
export const givenRemoteSchema = z.strictObject(remoteKeys)
export type GivenRemote = z.output<typeof givenRemoteSchema>

/** All remotes that a cluster has from a manager, or from an admin in its place. */
export const givenRemoteSetSchema = z
  .strictObject({
    ...givenSetKeys,
    remotes: list(givenRemoteSchema, MAX_GIVEN_REMOTES),
  })
  .superRefine(({ remotes }, context) => {
    if (new Set(remotes.map(({ name }) => name)).size < remotes.length)
      context.addIssue({ code: 'custom', message: 'a name is there twice' })
    if (remotes.reduce((sum, { rules }) => sum + rules.length, 0) > MAX_GIVEN_RULES)
      context.addIssue({ code: 'custom', message: `all of them together have at most ${MAX_GIVEN_RULES} rules` })
    const isRepeated = ({ rules }: GivenRemote) =>
      new Set(rules.map(({ repository, tag }) => JSON.stringify([repository, tag]))).size < rules.length
    if (remotes.some(isRepeated)) context.addIssue({ code: 'custom', message: 'a rule is there twice' })
  })
export type GivenRemoteSet = z.output<typeof givenRemoteSetSchema>

/** The same for the same remotes, in whatever order they come. */
export const givenRemotesHash = (remotes: readonly GivenRemote[]): string =>
  hashOfValues(Object.fromEntries(remotes.map((remote) => [remote.name, remote])))

const shownSchema = z.object({
  ...remoteKeys,
  urls: list(text(2048), MAX_SHOWN),
  rules: list(z.object({ repository: text(512), tag: text(512) }), MAX_SHOWN),
  windows: list(z.object({ from: timeOfDay, to: timeOfDay }), MAX_SHOWN),
  from: z.enum(remoteSources),
  /** Whether the config has a secret for it. */
  secret: z.boolean(),
})
export type ShownRemote = z.output<typeof shownSchema>

/** Part of the admin API of a build-index: the remotes that a manager gives its cluster. */
export const givenRemoteCalls = {
  givenRemotes: adminCall({
    method: 'GET',
    path: '/replication/remotes',
    summary: 'the remotes of this cluster, those of its config and those that a manager has given, without secrets',
    codes: ['REMOTES_OFF'],
    answer: heldSetSchema.extend({ remotes: list(shownSchema, MAX_SHOWN) }),
  }),
  giveRemotes: adminCall({
    method: 'PUT',
    path: '/replication/remotes',
    summary: 'replaces all remotes that a manager, or an admin in its place, has given; all build-indexes obey soon',
    body: givenRemoteSetSchema,
    codes: ['BODY_INVALID', 'CHANGED_MEANWHILE', 'NAME_TAKEN', 'REMOTES_HELD', 'REMOTES_OFF', 'REMOTES_STALE'],
    answer: heldSetSchema,
  }),
  releaseRemotes: adminCall({
    method: 'DELETE',
    path: '/replication/remotes',
    summary: 'lets go of all remotes that were given: those of the config alone count',
    codes: ['CHANGED_MEANWHILE', 'REMOTES_OFF'],
    answer: heldSetSchema,
  }),
}
