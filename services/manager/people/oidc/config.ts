import { z } from 'zod'

const MAX_TEXT = 512
const MAX_MAPPED = 1_000

const text = z.string().min(1).max(MAX_TEXT)
const role = z.string().regex(/^[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?$/, 'is no name of a role')

/** A provider on this machine is for tests. */
const isSafe = (url: string) => /^https:|^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:|\/|$)/.test(url)

/** A provider of OpenID Connect by which people sign in. */
export const oidcSchema = z.strictObject({
  /** In paths, and with the users that come from it. */
  name: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'a provider has lower-case letters, digits and dashes'),
  /** On the button. */
  title: text,
  issuer: z.url().refine(isSafe, 'an issuer begins with https://'),
  clientId: text,
  /** A function, so that whoever prints the config prints nothing of it. Default: a public client. */
  clientSecret: text.transform((value) => () => value).exactOptional(),
  scopes: z.array(text).min(1).max(16).default(['openid', 'profile', 'email']),
  /** The claim that names the user, and the one that lists his groups. */
  nameClaim: text.default('preferred_username'),
  rolesClaim: text.default('groups'),
  /** Roles here by values of the second one. */
  roles: z
    .record(text, z.array(role).max(64))
    .refine((mapped) => Object.keys(mapped).length <= MAX_MAPPED, `at most ${MAX_MAPPED} groups`)
    .default({}),
  /** Roles of everybody whom the provider knows. Default: none, so that who is in no group above may not come in. */
  everybody: z.array(role).max(64).default([]),
})

export type OidcConfig = z.output<typeof oidcSchema>
