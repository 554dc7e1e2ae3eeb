import type { OidcConfig } from './config.ts'

/** What a provider says of somebody. */
export interface ProvidedUser {
  readonly provider: string
  /** Who it is there, for ever. */
  readonly subject: string
  /** The name of the user here. */
  readonly name: string
  /** Empty: he may not come in. */
  readonly roles: readonly string[]
}

const MAX_NAME = 64

/** A name as users have it: what does not fit in becomes a dash. */
const nameOf = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._@-]+/g, '-')
    .slice(0, MAX_NAME)
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')

/** One text, or a list of texts. */
const textsOf = (claim: unknown): readonly string[] =>
  (Array.isArray(claim) ? claim : [claim]).filter((each): each is string => typeof each === 'string')

/** The user of the claims of an ID token; undefined when they do not name one. */
export function userOfClaims(
  { name: provider, nameClaim, rolesClaim, roles, everybody }: OidcConfig,
  claims: Readonly<Record<string, unknown>>,
): ProvidedUser | undefined {
  const [subject] = textsOf(claims['sub'])
  const [shown = ''] = textsOf(claims[nameClaim])
  const name = nameOf(shown)
  if (subject === undefined || subject === '' || name === '') return undefined
  const mapped = textsOf(claims[rolesClaim]).flatMap((value) =>
    Object.hasOwn(roles, value) ? (roles[value] ?? []) : [],
  )
  return { provider, subject, name, roles: [...new Set([...everybody, ...mapped])].toSorted() }
}
