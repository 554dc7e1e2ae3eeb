import { parseJson } from '../../../lib/base/index.ts'
import { credentialsIn, type Secrets, shownText } from '../../../lib/identity/index.ts'
import type { Reader } from '../../../lib/registry/index.ts'

/** Longest `Authorization` that is passed on, in characters. */
const MAX_SHOWN_CHARS = 8192

/** What a client shows to the registry that it means. */
export type ShownBy = (reader: Reader) => string | undefined

/**
 * The `Authorization` of a client, as it is. Undefined when that is a secret of our own, when there is none, and when it could
 * not be passed on.
 */
export function shownBy(secrets: Pick<Secrets, 'includes'>): ShownBy {
  return ({ req }) => {
    const { authorization } = req.headers
    if (authorization === undefined || authorization.length > MAX_SHOWN_CHARS) return undefined
    const text = shownText(credentialsIn(authorization))
    if (text !== undefined && secrets.includes?.(text) === true) return undefined
    return /^[\x20-\x7e]+$/.test(authorization) ? authorization : undefined
  }
}

/**
 * How long what is shown may still count, in milliseconds, by the end that a token names itself (`exp`, RFC 7519); any time
 * for what names none. Nothing is believed of the token that would make the time longer.
 */
export function lifeOf(shown: string | undefined, nowMs: number): number {
  const credentials = credentialsIn(shown)
  if (credentials.kind !== 'bearer') return Number.POSITIVE_INFINITY
  const [, claims] = credentials.token.split('.')
  try {
    const { exp } = Object(parseJson(Buffer.from(claims ?? '', 'base64url').toString('utf8'))) as { exp?: unknown }
    return typeof exp === 'number' ? exp * 1000 - nowMs : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
