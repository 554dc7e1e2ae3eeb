import { type AbortOptions, appError, type Startable } from '../../../lib/base/index.ts'
import { parseConfigText } from '../../../lib/config/index.ts'
import { type HttpClient, httpClient, type Route } from '../../../lib/http/index.ts'
import {
  type AccessRule,
  type BearerKeys,
  bearerChallenge,
  bearerTokens,
  ciTokens,
  derivedKeys,
  type Identify,
  parseKeyFile,
  registryCallers,
  secretAuthenticator,
  tokenDirectory,
  userDirectory,
  watchedFile,
} from '../../../lib/identity/index.ts'
import type { LogIn } from '../../../lib/registry/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { ProxyConfig } from '../config.ts'
import { type AccessConfig, rulesSchema } from './config.ts'
import { type GivenUsers, givenUsers } from './given-users.ts'
import { TOKEN_PATH, tokenRoutes } from './token-routes.ts'

/** Users, tokens and rules of the registry. */
export interface RegistryAccess {
  readonly identify: Identify
  readonly logIn: LogIn
  /** The token service. */
  readonly routes: readonly Route[]
  readonly parts: readonly Startable[]
  /** Whom a manager gives; undefined where the config does not let it. */
  readonly given: GivenUsers | undefined
}

/** Without rules, users and tokens, secrets alone say who may do what, in all repositories. */
const isOff = ({ rules, ci, ...files }: AccessConfig) =>
  rules.length + ci.length === 0 &&
  [files.rulesFile, files.users, files.tokens, files.managed].every((path) => path === undefined)

/** Most bytes of what an issuer says of itself, and of its keys. */
const MAX_ISSUER_DOCUMENT = 256 * 1024

/** Undefined where the config says nothing of it. `secret` is what all proxies of a cluster share. */
export function registryAccess(
  runtime: Runtime,
  config: ProxyConfig,
  secret: string | Uint8Array,
): RegistryAccess | undefined {
  const { access } = config.registry
  if (isOff(access)) return undefined
  const { realm, service, lifetime } = access.bearer
  const onChange = () => callers.forget()
  const keyFile =
    access.bearer.keys === undefined
      ? undefined
      : watchedFile<BearerKeys>(runtime, { path: access.bearer.keys, parse: parseKeyFile, onChange })
  const derived = derivedKeys(secret)
  const { rulesFile: path } = access
  const parse = (text: string) => parseConfigText(rulesSchema, text, path ?? '')
  const rulesFile =
    path === undefined ? undefined : watchedFile<readonly AccessRule[]>(runtime, { path, parse, onChange })
  const users = access.users === undefined ? undefined : userDirectory(runtime, { path: access.users, onChange })
  const tokens = access.tokens === undefined ? undefined : tokenDirectory(runtime, { path: access.tokens, onChange })
  const given = access.managed === undefined ? undefined : givenUsers(runtime, { folder: access.managed, onChange })
  const bearer = bearerTokens(runtime, { keys: () => keyFile?.value ?? derived, service, lifetimeMs: lifetime })
  const issuers = httpClient(runtime, { connectionsPerOrigin: 2, maxWaiting: 64 })
  const ci = ciTokens({ clock: runtime.clock, getJson: jsonOver(issuers) }, access.ci)
  const { anonymous = 'none' } = config
  const secrets = secretAuthenticator({ secrets: config.secrets })
  const callers = registryCallers(
    { clock: runtime.clock, secrets, bearer, users, tokens, ci, given: () => given?.callers },
    { rules: () => [...access.rules, ...(rulesFile?.value ?? [])], anonymous },
  )
  const { identify } = callers
  return {
    identify,
    logIn: { challenge: (req, asked) => bearerChallenge(req, { realm, path: TOKEN_PATH, service, ...asked }) },
    routes: tokenRoutes({ bearer, identify }),
    parts: [issuers, keyFile, rulesFile, users, tokens, given].filter((part) => part !== undefined),
    given,
  }
}

function jsonOver(http: HttpClient) {
  return async (url: string, { signal }: AbortOptions): Promise<unknown> => {
    const answer = await http.request({ method: 'GET', url, headers: { accept: 'application/json' }, signal })
    if (answer.status === 200) return answer.json(MAX_ISSUER_DOCUMENT)
    await answer.discard()
    throw appError('UNAVAILABLE', { detail: { url, status: answer.status } })
  }
}
