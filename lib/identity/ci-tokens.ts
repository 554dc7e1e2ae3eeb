import type { JSONWebKeySet, JWTPayload } from 'jose'
import {
  type AbortOptions,
  type AppError,
  appError,
  type Clock,
  countCache,
  hasCode,
  isAbort,
  singleFlight,
  starPattern,
} from '../base/index.ts'

/** Somebody of an issuer who gets a name here when his claims fit. */
export interface CiCaller {
  readonly name: string
  /** Patterns of claims, by their names; `*` stands for any characters. All of them must fit. */
  readonly claims: Readonly<Record<string, string>>
}

/** Who gives ID tokens to jobs or pods: a service of OpenID Connect. */
export interface CiIssuer {
  /** As in the claim `iss`. */
  readonly issuer: string
  /** As in the claim `aud`: tokens for others count for nothing. */
  readonly audience: string
  /** Where its keys are; default: where it says itself. */
  readonly keys?: string | undefined
  readonly callers: readonly CiCaller[]
}

/** Proves the ID tokens of CI systems and clusters. */
export interface CiTokens {
  /**
   * Undefined when no issuer of the config has signed it for us, its time is over, or its claims fit nobody.
   * @throws UNAVAILABLE when the keys of its issuer cannot be had
   */
  prove(token: string, options: AbortOptions): Promise<CiProof | undefined>
  /** Whether the config has a caller of that name. */
  has(name: string): boolean
}

export interface CiProof {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly expiresMs: number
}

export interface CiTokensComponents {
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>
  /** Reads a JSON document of bounded size from a URL. */
  readonly getJson: (url: string, options: AbortOptions) => Promise<unknown>
}

/** Only proxies that know users need it; it has many files. */
const jose = () => import('jose')

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
const SKEW_SECONDS = 30
/**
 * Keys are asked for again after so long, and when a token names another one, but not more often than that. An issuer that
 * failed is left alone for a moment: anybody can show a token that names it.
 */
const KEYS_MS = { kept: 600_000, least: 30_000, failed: 1_000 }

export function ciTokens(components: CiTokensComponents, issuers: readonly CiIssuer[]): CiTokens {
  const { clock } = components
  const keys = issuerKeys(components)
  const byIssuer = new Map(issuers.map((each) => [each.issuer, each]))
  const names = new Set(issuers.flatMap(({ callers }) => callers.map(({ name }) => name)))

  const payloadOf = async (token: string, from: CiIssuer, options: AbortOptions) => {
    const { createLocalJWKSet, jwtVerify } = await jose()
    const verify = async (set: JSONWebKeySet) => {
      const { payload } = await jwtVerify(token, createLocalJWKSet(set), {
        ...{ issuer: from.issuer, audience: from.audience, algorithms: ALGORITHMS, clockTolerance: SKEW_SECONDS },
        ...{ requiredClaims: ['exp'], currentDate: new Date(clock.now()) },
      })
      return payload
    }
    const set = await keys.of(from, options)
    try {
      return await verify(set)
    } catch (err) {
      if (!hasCode(err, 'ERR_JWKS_NO_MATCHING_KEY')) return undefined
    }
    const newer = await keys.newer(from, set, options)
    return newer === undefined ? undefined : verify(newer).catch(() => undefined)
  }

  return {
    has: (name) => names.has(name),
    async prove(token, options) {
      const from = byIssuer.get((await issuerIn(token)) ?? '')
      const payload = from && (await payloadOf(token, from, options))
      const caller = payload && from.callers.find(({ claims }) => fits(payload, claims))
      return caller && { name: caller.name, expiresMs: (payload.exp ?? 0) * 1000 }
    },
  }
}

/** What the token says of itself, before anything is proven. */
async function issuerIn(token: string): Promise<string | undefined> {
  const { decodeJwt } = await jose()
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}

function fits(payload: JWTPayload, claims: CiCaller['claims']): boolean {
  return Object.entries(claims).every(([name, pattern]) => {
    const value = Object.hasOwn(payload, name) ? payload[name] : undefined
    const isText = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    return isText && starPattern(pattern).fits(String(value))
  })
}

interface IssuerKeys {
  of(issuer: CiIssuer, options: AbortOptions): Promise<JSONWebKeySet>
  /** Other keys than these; undefined when it is too early to ask for them again. */
  newer(issuer: CiIssuer, than: JSONWebKeySet, options: AbortOptions): Promise<JSONWebKeySet | undefined>
}

/** Asks each issuer for its keys, once for all who wait, and remembers them. */
function issuerKeys({ clock, getJson }: CiTokensComponents): IssuerKeys {
  const kept = countCache<{ readonly set: JSONWebKeySet; readonly atMs: number }>(clock, {
    ...{ maxEntries: 1000, ttlMs: KEYS_MS.kept },
  })
  const failed = countCache<AppError>(clock, { maxEntries: 1000, ttlMs: KEYS_MS.failed })
  const flights = singleFlight<string, JSONWebKeySet>()
  const ask = async ({ issuer, keys }: CiIssuer, signal: AbortSignal): Promise<JSONWebKeySet> => {
    try {
      const url = keys ?? keysUrlIn(await getJson(wellKnown(issuer), { signal }), issuer)
      const set = keySetIn(await getJson(url, { signal }))
      kept.set(issuer, { set, atMs: clock.monotonicMs() })
      return set
    } catch (err) {
      if (isAbort(err)) throw err
      const message = 'the keys of the issuer of this token cannot be had; try again'
      const failure = appError('UNAVAILABLE', { message, detail: { issuer }, cause: err })
      failed.set(issuer, failure)
      throw failure
    }
  }
  const fetch = async (issuer: CiIssuer, options: AbortOptions) => {
    const failure = failed.get(issuer.issuer)
    if (failure !== undefined) throw failure
    return flights.run(issuer.issuer, (signal) => ask(issuer, signal), options)
  }
  return {
    of: async (issuer, options) => kept.get(issuer.issuer)?.set ?? fetch(issuer, options),
    async newer(issuer, than, options) {
      const found = kept.get(issuer.issuer)
      if (found !== undefined && found.set !== than) return found.set
      const isEarly = found !== undefined && clock.monotonicMs() - found.atMs < KEYS_MS.least
      return isEarly ? undefined : fetch(issuer, options)
    },
  }
}

/** OpenID Connect Discovery 1.0, section 4. */
const wellKnown = (issuer: string) => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

/** An issuer over TLS may not send us to keys without it. */
function keysUrlIn(document: unknown, issuer: string): string {
  const found: unknown = (document as { readonly jwks_uri?: unknown } | null)?.jwks_uri
  if (typeof found !== 'string' || !URL.canParse(found)) throw new Error('the issuer names no keys')
  const { protocol } = new URL(found)
  if (protocol !== 'https:' && protocol !== new URL(issuer).protocol) throw new Error('the keys are not behind TLS')
  return found
}

/** Most keys of an issuer. */
const MAX_ISSUER_KEYS = 100

function keySetIn(document: unknown): JSONWebKeySet {
  const keys: unknown = (document as { readonly keys?: unknown } | null)?.keys
  if (!Array.isArray(keys) || keys.length > MAX_ISSUER_KEYS) throw new Error('the keys of the issuer are malformed')
  const objects = keys.filter((key): key is object => typeof key === 'object' && key !== null)
  return { keys: objects }
}
