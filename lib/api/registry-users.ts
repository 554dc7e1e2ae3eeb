import { z } from 'zod'
import { repositoryPattern } from '../config/index.ts'
import { ruleActions } from '../identity/index.ts'
import { adminCall } from './admin.ts'
import { list, text } from './bounded.ts'
import { givenSetKeys, heldSetSchema } from './given-sets.ts'
import { hashOfValues } from './steering.ts'

/** Users and tokens that one proxy takes, and bytes of all of them as JSON. */
export const MAX_REGISTRY_USERS = 2_000
export const MAX_REGISTRY_USERS_BYTES = 1024 * 1024
/** Grants of one of them, patterns of one grant, and characters of a pattern. */
const MAX_GRANTS = 16
const MAX_PATTERNS = 16
const MAX_PATTERN = 255
/** Rows of one page of an answer. */
const MAX_ROWS = 1_000
/** Milliseconds since the epoch. */
const timeSchema = z.number().int().min(0)

const some = <S extends z.ZodType<readonly unknown[]>>(schema: S) =>
  schema.refine((items) => items.length > 0, 'must not be empty')

/** Some actions in the repositories that fit one of the patterns, as in `registry.access.rules`. */
export const registryGrantSchema = z.strictObject({
  repositories: some(list(repositoryPattern.max(MAX_PATTERN), MAX_PATTERNS)),
  actions: some(list(z.enum(ruleActions), ruleActions.length)),
})
export type RegistryGrant = z.output<typeof registryGrantSchema>
export const registryGrantsSchema = list(registryGrantSchema, MAX_GRANTS)

export const registryUserName = text(64).regex(
  /^[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?$/,
  'a name has lower-case letters, digits, ".", "_", "@" and "-", at most 64 characters',
)
export const registryUserKind = z.enum(['user', 'token'])

const givenKeys = {
  kind: registryUserKind,
  name: registryUserName,
  disabled: z.boolean(),
  expiresAtMs: timeSchema.optional(),
  grants: registryGrantsSchema,
}
const givenSchema = z.strictObject({
  ...givenKeys,
  /** Of what he shows, in hex: never the text itself. */
  sha256: text(64).regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'),
})
export type GivenRegistryUser = z.output<typeof givenSchema>

/** All users and tokens that a proxy has from a manager, or from an admin in its place. */
export const registryUserSetSchema = z
  .strictObject({
    ...givenSetKeys,
    users: list(givenSchema, MAX_REGISTRY_USERS),
  })
  .superRefine(({ users }, context) => {
    const names = new Set(users.map(({ kind, name }) => `${kind}:${name}`))
    if (names.size < users.length) context.addIssue({ code: 'custom', message: 'a name is there twice' })
    if (new Set(users.map(({ sha256 }) => sha256)).size < users.length)
      context.addIssue({ code: 'custom', message: 'two of them have the same secret' })
  })
export type RegistryUserSet = z.output<typeof registryUserSetSchema>

/** The same for the same users, in whatever order they come. */
export const registryUsersHash = (users: readonly GivenRegistryUser[]): string =>
  hashOfValues(Object.fromEntries(users.map((user) => [`${user.kind}:${user.name}`, user])))

/** Part of the admin API of a proxy: the users that a manager gives it. */
export const registryUserCalls = {
  registryUsers: adminCall({
    method: 'GET',
    path: '/registry/users',
    summary: 'the users and tokens that a manager has given this proxy, page by page, without their secrets',
    query: { n: 'entries on one page', last: 'continue after this entry: `next` of the page before' },
    codes: ['PAGINATION_NUMBER_INVALID', 'REGISTRY_USERS_OFF'],
    answer: heldSetSchema.extend({ users: list(z.object(givenKeys), MAX_ROWS), next: text(80).optional() }),
  }),
  giveRegistryUsers: adminCall({
    method: 'PUT',
    path: '/registry/users',
    summary: 'replaces all users and tokens that a manager, or an admin in its place, has given; they count at once',
    body: registryUserSetSchema,
    codes: [
      ...(['BODY_INVALID', 'CHANGED_MEANWHILE', 'REGISTRY_USERS_OFF'] as const),
      ...(['REGISTRY_USERS_HELD', 'REGISTRY_USERS_STALE'] as const),
    ],
    answer: heldSetSchema,
  }),
  releaseRegistryUsers: adminCall({
    method: 'DELETE',
    path: '/registry/users',
    summary: 'lets go of all users and tokens that were given: those of the files alone count',
    codes: ['CHANGED_MEANWHILE', 'REGISTRY_USERS_OFF'],
    answer: heldSetSchema,
  }),
}
