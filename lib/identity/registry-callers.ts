import { createHmac, randomBytes } from 'node:crypto'
import { type AbortOptions, type Clock, countCache, remoteAddressOf } from '../base/index.ts'
import { type Access, type AccessRule, accessFrom, eitherAccess, type Grant, grantsFor } from './access.ts'
import type { BearerTokens } from './bearer-tokens.ts'
import { callerAt } from './caller.ts'
import type { CiTokens } from './ci-tokens.ts'
import { type Credentials, credentialsIn, shownText } from './credentials.ts'
import { accessByRights } from './decision.ts'
import type { GivenCallers } from './given-callers.ts'
import { type AnonymousRights, anonymousRights, type Principal, secretRights } from './principal.ts'
import { accessOfEntries } from './scopes.ts'
import type { Authenticate, Identify } from './secret-authenticator.ts'
import { type SecretName, secretNames } from './secrets.ts'
import type { TokenDirectory } from './token-directory.ts'
import type { UserDirectory } from './user-directory.ts'

export interface RegistryCallersComponents {
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>
  /** Knows the secrets. */
  readonly secrets: Authenticate
  readonly bearer: BearerTokens
  readonly users?: Pick<UserDirectory, 'has' | 'knows'> | undefined
  readonly tokens?: Pick<TokenDirectory, 'nameOf' | 'grantsOf'> | undefined
  readonly ci?: CiTokens | undefined
  /** Whom a manager has given, as it is now; `forget` is called when that has changed. Default: nobody. */
  readonly given?: (() => GivenCallers | undefined) | undefined
}

export interface RegistryCallersInit {
  /** As they are now; `forget` is called when they have changed. */
  readonly rules: () => readonly AccessRule[]
  /** What callers without a log-in may do in all repositories. */
  readonly anonymous: AnonymousRights
}

export interface RegistryCallers {
  readonly identify: Identify
  /** Called when users, tokens or rules have changed: what was proven before counts no more. */
  forget(): void
}

/** How long a proof counts, milliseconds: clients send the same password with every request. */
const PROVEN_MS = 60_000
/** How long a refusal counts: clients that have a wrong password send it again and again. */
const REFUSED_MS = 5_000
const MAX_PROVEN = 10_000

/** Who calls a registry with rules: holders of secrets as everywhere, users, named tokens, and bearer tokens of all of them. */
export function registryCallers(
  components: RegistryCallersComponents,
  { rules, anonymous }: RegistryCallersInit,
): RegistryCallers {
  const { clock, secrets, bearer } = components
  const namedNow = () => principals(components, rules(), anonymousRights[anonymous])
  let named = namedNow()
  const key = randomBytes(32)
  let [proven, refused] = [newCache(clock, PROVEN_MS), newCache(clock, REFUSED_MS)]
  const forget = () => {
    named = namedNow()
    ;[proven, refused] = [newCache(clock, PROVEN_MS), newCache(clock, REFUSED_MS)]
  }

  /** A bearer token counts until its end, whatever is remembered of it. */
  const byBearer = async (token: string): Promise<Proof | undefined> => {
    const claims = await bearer.prove(token)
    const principal = claims && named.called(claims.name)
    if (claims === undefined || principal === undefined || claims.stamp !== principal.stamp) return undefined
    return { principal: { ...principal, shown: accessOfEntries(claims.access) }, untilMs: claims.expiresMs }
  }
  /** Jobs show their ID token as a bearer token, or as the password of any user. */
  const byCi = async (text: string, signal: AbortSignal | undefined): Promise<Proof | undefined> => {
    const job = await components.ci?.prove(text, { signal })
    const principal = job && named.called(`ci:${job.name}`)
    return principal && { principal, untilMs: job.expiresMs }
  }
  /** Whether a name is that of a file: those that a manager has given come before them. */
  const isOfFile = (name: string) => components.given?.()?.holds(name) !== true
  const prove = async (credentials: Credentials, from: string, signal: AbortSignal | undefined) => {
    const text = shownText(credentials)
    if (text === undefined) return undefined
    const given = components.given?.()?.nameOf(credentials)
    if (given !== undefined) return proofOf(named.called(given))
    const token = components.tokens?.nameOf(text)
    if (token !== undefined && isOfFile(`token:${token}`)) return proofOf(named.called(`token:${token}`))
    const own = credentials.kind === 'bearer' ? await byBearer(text) : undefined
    const job = own ?? (await byCi(text, signal))
    if (job !== undefined || credentials.kind !== 'basic') return job
    const { user, password } = credentials
    // Also for a name that is not of the file: so it takes as long, and says nothing of who is in which list.
    const isRight = await components.users?.knows({ user, password, from }, signal)
    return isRight === true && isOfFile(`user:${user}`) ? proofOf(named.called(`user:${user}`)) : undefined
  }

  const identify: Identify = async (req, { signal }: AbortOptions) => {
    const bySecret = secrets(req)
    if (bySecret.name !== 'anonymous') return bySecret
    const credentials = credentialsIn(req.headers.authorization)
    if (credentials.kind === 'none') return named.anonymous
    const hash = createHmac('sha256', key)
      .update(req.headers.authorization ?? '')
      .digest('base64')
    const [memory, refusals] = [proven, refused]
    const known = memory.get(hash) ?? refusals.get(hash)
    const isInForce = known !== undefined && clock.now() < known.untilMs && named.isThere(known.principal.name)
    if (isInForce) return known.principal
    const proof = await prove(credentials, callerAt(remoteAddressOf(req.socket)), signal)
    if (proof === undefined) refusals.set(hash, nobody)
    else memory.set(hash, proof)
    return (proof ?? nobody).principal
  }
  return { identify, forget }
}

/** Who showed something, and until when that counts, milliseconds since the epoch. */
interface Proof {
  readonly principal: Principal
  readonly untilMs: number
}

const nobody: Proof = { principal: { name: 'anonymous', rights: [] }, untilMs: Number.POSITIVE_INFINITY }

const proofOf = (principal: Principal | undefined): Proof | undefined =>
  principal && { principal, untilMs: Number.POSITIVE_INFINITY }

const newCache = (clock: Pick<Clock, 'monotonicMs'>, ttlMs: number) =>
  countCache<Proof>(clock, { maxEntries: MAX_PROVEN, ttlMs })

interface Principals {
  /** Whether there is still somebody of that name: named tokens end by themselves. */
  isThere(name: string): boolean
  /** Undefined when there is nobody of that name any more. */
  called(name: string): Principal | undefined
  /** Who shows nothing: what the config gives to such callers everywhere, and what the rules do. */
  readonly anonymous: Principal
}

function principals(
  { users, tokens, ci, given }: RegistryCallersComponents,
  rules: readonly AccessRule[],
  rights: Principal['rights'],
): Principals {
  const accessOfName = (name: string, own: readonly Grant[] = []): Access =>
    accessFrom([...grantsFor(rules, name), ...own])
  const access = eitherAccess(accessByRights(rights), accessOfName('anonymous'))
  const anonymous: Principal = { name: 'anonymous', rights, access }
  const ownGrants = (name: string): readonly Grant[] | undefined => {
    const [kind, own = ''] = splitAt(name, ':')
    if (kind === 'token') return tokens?.grantsOf(own)
    const isThere = kind === 'user' ? users?.has(own) : kind === 'ci' && ci?.has(own)
    return isThere === true ? [] : undefined
  }
  const rightsOf = (name: string): { readonly grants: readonly Grant[]; readonly stamp?: string } | undefined => {
    const held = given?.()
    if (held?.holds(name) === true) return held.rightsOf(name)
    const grants = ownGrants(name)
    return grants && { grants }
  }
  const called = (name: string): Principal | undefined => {
    if (name === 'anonymous') return anonymous
    if (isSecret(name)) return { name, rights: secretRights[name] }
    const found = rightsOf(name)
    if (found === undefined) return undefined
    const { grants, stamp } = found
    return { name, rights: [], access: accessOfName(name, grants), ...(stamp !== undefined && { stamp }) }
  }
  const isThere = (name: string) => name === 'anonymous' || isSecret(name) || rightsOf(name) !== undefined
  return { isThere, called, anonymous }
}

const isSecret = (name: string): name is SecretName => (secretNames as readonly string[]).includes(name)

const splitAt = (text: string, mark: string): readonly [string, string?] => {
  const at = text.indexOf(mark)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
