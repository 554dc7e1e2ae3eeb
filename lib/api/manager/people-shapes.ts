import { z } from 'zod'
import { list, text } from '../bounded.ts'
import { parseBody } from '../schemas.ts'
import { managerResources } from './manager-call.ts'

/** Rows of one page of an answer. */
export const MAX_ROWS = 1000
/** Roles of one user, and grants of one role or token. */
const MAX_ROLES = 64
const MAX_GRANTS = 64
export const MAX_PROVIDERS = 16
/** Characters of a password: fewer can be guessed, more are work. */
const MIN_PASSWORD = 12
const MAX_PASSWORD = 256
export const MAX_NAME = 64
const MAX_ID = 64
export const MAX_TITLE = 255
export const MAX_SHOWN = 128

export const nameSchema = text(MAX_NAME).regex(
  /^[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?$/,
  'a name has lower-case letters, digits, ".", "_", "@" and "-", at most 64 characters',
)
/** The name of a user, a role or a token, as it stands in a path. @throws BODY_INVALID */
export const personName = (given: string): string => parseBody(nameSchema, given)

export const passwordSchema = text(MAX_PASSWORD).min(MIN_PASSWORD)
export const shownPassword = text(MAX_PASSWORD).min(1)

const grantSchema = z.strictObject({
  resource: z.enum([...managerResources, '*']),
  /** Whoever may write may read, too. */
  action: z.enum(['read', 'write', '*']),
})
export const grantsSchema = list(grantSchema, MAX_GRANTS)
export const rolesSchema = list(nameSchema, MAX_ROLES)
export type Grant = z.output<typeof grantSchema>

export const meSchema = z.object({
  /** `user:NAME`, `token:NAME/TOKEN`, or the name of a secret. */
  name: text(MAX_TITLE),
  kind: z.enum(['user', 'token', 'secret']),
  roles: list(text(MAX_NAME), MAX_ROLES),
  /** Everything that this caller may do. */
  grants: list(z.object({ resource: text(MAX_NAME), action: text(16) }), 256),
  /** When the session or the token ends, epoch milliseconds. */
  expiresAtMs: z.number().optional(),
  /** Whether the user has a password here. */
  hasPassword: z.boolean(),
})
export type Me = z.output<typeof meSchema>

export const userSchema = z.object({
  name: text(MAX_NAME),
  roles: list(text(MAX_NAME), MAX_ROLES),
  disabled: z.boolean(),
  hasPassword: z.boolean(),
  /** The provider that knows the user; absent: a password. */
  provider: text(MAX_NAME).optional(),
  createdAtMs: z.number(),
  signedInAtMs: z.number().optional(),
})
export type UserRow = z.output<typeof userSchema>

export const roleSchema = z.object({
  name: text(MAX_NAME),
  what: text(MAX_TITLE),
  grants: list(z.object({ resource: text(MAX_NAME), action: text(16) }), MAX_GRANTS),
  /** It comes with the program, and cannot be changed. */
  builtIn: z.boolean(),
})
export type RoleRow = z.output<typeof roleSchema>

export const tokenSchema = z.object({
  id: text(MAX_ID),
  user: text(MAX_NAME),
  name: text(MAX_NAME),
  grants: list(z.object({ resource: text(MAX_NAME), action: text(16) }), MAX_GRANTS),
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
  /** About: it is noted once a minute. */
  usedAtMs: z.number().optional(),
  /** The name of the token that has made it, with which it ends. */
  madeBy: text(MAX_NAME).optional(),
})
export type TokenRow = z.output<typeof tokenSchema>

export const sessionSchema = z.object({
  id: text(MAX_ID),
  /** The one that asks. */
  current: z.boolean(),
  createdAtMs: z.number(),
  usedAtMs: z.number(),
  expiresAtMs: z.number(),
  address: text(64),
  agent: text(MAX_TITLE),
})
export type SessionRow = z.output<typeof sessionSchema>

export const inviteSchema = z.object({
  id: text(MAX_ID),
  roles: list(text(MAX_NAME), MAX_ROLES),
  createdBy: text(MAX_TITLE),
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
})
export type InviteRow = z.output<typeof inviteSchema>

/** Of lists that are pages. */
export const paging = {
  n: 'entries on one page',
  last: 'continue after this entry: `next` of the page before',
} as const

/** Codes of calls that give rights to somebody. */
export const givingCodes = ['BODY_INVALID', 'RIGHTS_EXCEEDED'] as const
