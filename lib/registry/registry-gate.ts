import { type AppError, appError } from '../base/index.ts'
import { OWN_REGISTRY, type Repository } from '../core/index.ts'
import { type Exchange, type Route, refusal, requireRight } from '../http/index.ts'
import { credentialsIn, decide, may, type RepositoryAction, type Wanted } from '../identity/index.ts'
import { parseRegistryPath, type RegistryTarget } from './registry-path.ts'

/** What was wrong with the token that was shown (RFC 6750, 3.1). */
type TokenError = 'invalid_token' | 'insufficient_scope' | undefined

/** How clients log in. */
export interface LogIn {
  /**
   * The value of `WWW-Authenticate` for a caller who has to log in, or to show a token for this scope, such as
   * `repository:team/app:pull`; none for the ping.
   */
  challenge(req: Exchange['req'], asked: { readonly scope?: string | undefined; readonly error?: TokenError }): string
}

/** Decides for every request to a registry whether its caller may do that; before anything is looked up. */
export interface RegistryGate {
  /** `hidden`: the caller may not know what is there. @throws UNAUTHORIZED, DENIED */
  readonly admits: NonNullable<Route['admits']>
  readonly admitsPing: NonNullable<Route['admits']>
  /** Whether what the caller wants to read is hidden from him. @throws NAME_UNKNOWN for a change where that is so */
  hides(exchange: Exchange): boolean
}

export interface RegistryGateInit {
  /** The highest right that the registry has. */
  readonly highest: 'read' | 'write'
  /** Path below which the registry lies; empty for the usual place. */
  readonly mount: string
  readonly logIn: LogIn | undefined
}

export function registryGate({ highest, mount, logIn }: RegistryGateInit): RegistryGate {
  const askedBy = (exchange: Exchange): Wanted | undefined => {
    const asked = wantedBy(exchange, mount)
    // Where nothing can be changed, who reads may know that it cannot.
    return highest === 'write' || asked === undefined || asked === 'catalog' ? asked : { ...asked, action: 'pull' }
  }
  const unauthorized = ({ req, principal }: Exchange, scope?: string): AppError => {
    const err = appError('UNAUTHORIZED')
    if (logIn === undefined) return err
    const isBearer = credentialsIn(req.headers.authorization).kind === 'bearer'
    const error = principal.shown !== undefined ? 'insufficient_scope' : isBearer ? 'invalid_token' : undefined
    return refusal(err, { 'www-authenticate': logIn.challenge(req, { scope, error }) })
  }
  return {
    admits(exchange) {
      const asked = askedBy(exchange)
      if (asked === undefined) {
        if (exchange.principal.access === undefined) requireRight(exchange, isRead(exchange) ? 'read' : highest)
        return 'admitted'
      }
      switch (decide(exchange.principal, asked)) {
        case 'yes':
          return 'admitted'
        case 'logIn':
        case 'askAgain':
          throw unauthorized(exchange, scopeOf(asked))
        case 'denied':
          throw appError('DENIED')
        case 'hidden':
          return 'hidden'
      }
    },

    /**
     * Most clients learn how to log in only from the challenge to this request, never from one to a push. So it asks
     * whoever is not known for the highest right that the registry has; who is known may log in with what he has. An
     * anonymous token is enough: who has it has learned where to log in.
     */
    admitsPing(exchange) {
      const { principal } = exchange
      const isUnknown = principal.name === 'anonymous'
      const needed = isUnknown ? highest : 'read'
      if (may(principal, needed) || principal.shown !== undefined) return 'admitted'
      if (isUnknown) throw unauthorized(exchange)
      if (principal.access === undefined) throw appError('DENIED')
      return 'admitted'
    },

    hides(exchange) {
      const asked = askedBy(exchange)
      if (asked === undefined || decide(exchange.principal, asked) !== 'hidden') return false
      if (asked === 'catalog' || asked.action === 'pull') return true
      throw appError('NAME_UNKNOWN', { detail: { name: asked.repository.name } })
    },
  }
}

const isRead = ({ method }: Exchange) => method === 'GET' || method === 'HEAD'

/** Undefined for what has no target: its answer is the same for all who may ask at all. */
function wantedBy(exchange: Exchange, mount: string): Wanted | undefined {
  const target = targetOf(exchange.path.slice(mount.length))
  if (target === undefined || target.kind === 'ping') return undefined
  if (target.kind === 'catalog' && isRead(exchange)) return 'catalog'
  if (target.kind === 'catalog') return undefined
  return { repository: { registry: OWN_REGISTRY, name: target.name }, action: actionOf(exchange, target) }
}

/** A cancelled upload deletes nothing that was there; the state of one is known only to who pushes. */
function actionOf({ method }: Exchange, { kind }: RegistryTarget): RepositoryAction {
  if (kind === 'upload' || kind === 'uploads') return 'push'
  if (method === 'GET' || method === 'HEAD') return 'pull'
  return method === 'DELETE' ? 'delete' : 'push'
}

function targetOf(path: string): RegistryTarget | undefined {
  try {
    return parseRegistryPath(path)
  } catch {
    return undefined
  }
}

/** What a token must name for that: who pushes or deletes reads as well. */
function scopeOf(wanted: Wanted): string {
  if (wanted === 'catalog') return 'registry:catalog:*'
  const { action, repository } = wanted
  return `repository:${repository.name}:${action === 'pull' ? 'pull' : `pull,${action}`}`
}

/** Whether the caller may pull from there with what he shows. */
export function mayPull({ principal }: Pick<Exchange, 'principal'>, repository: Repository): boolean {
  return decide(principal, { repository, action: 'pull' }) === 'yes'
}
