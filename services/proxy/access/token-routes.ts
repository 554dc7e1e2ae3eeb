import { appError } from '../../../lib/base/index.ts'
import { type Exchange, type Route, readBytes, refusal, sendJson } from '../../../lib/http/index.ts'
import {
  accessOf,
  type BearerTokens,
  credentialsIn,
  grantedOf,
  type Identify,
  type Principal,
  type Shown,
} from '../../../lib/identity/index.ts'

/** Path of the token service. */
export const TOKEN_PATH = '/token'
/** Most bytes of a form. */
const MAX_FORM = 16 * 1024
const FORM_TYPE = 'application/x-www-form-urlencoded'
const NOT_TO_BE_KEPT = { 'cache-control': 'no-store' }

export interface TokenRoutesComponents {
  readonly bearer: Pick<BearerTokens, 'issue'>
  readonly identify: Identify
}

/**
 * The token service of the registry (distribution's token specification, and its OAuth2 form): who logs in here gets a token
 * that gives what the rules give him, of what he asks for. Who does not log in gets what anybody may.
 */
export function tokenRoutes({ bearer, identify }: TokenRoutesComponents): readonly Route[] {
  const answer = async (exchange: Exchange, principal: Principal, scopes: readonly string[]) => {
    const access = grantedOf(scopes, accessOf(principal))
    const { token, expiresInSeconds, issuedMs } = await bearer.issue({
      name: principal.name,
      access,
      stamp: principal.stamp,
    })
    const issuedAt = new Date(issuedMs).toISOString()
    // Some clients read the one field, some the other.
    const body = { token, access_token: token, expires_in: expiresInSeconds, issued_at: issuedAt }
    sendJson(exchange, 200, body, NOT_TO_BE_KEPT)
  }
  const byQuery = (exchange: Exchange) =>
    answer(exchange, known(exchange.req, exchange.principal), exchange.query.getAll('scope'))
  const byForm = async (exchange: Exchange) => {
    const form = await readForm(exchange)
    const grant = form.get('grant_type') ?? 'password'
    if (grant !== 'password') {
      throw appError('UNSUPPORTED', { message: 'only the grant type password is supported; use GET otherwise' })
    }
    const login = `${form.get('username') ?? ''}:${form.get('password') ?? ''}`
    const { req, signal } = exchange
    // From here on the form is what the request shows, also for the audit trail.
    req.headers.authorization = `Basic ${Buffer.from(login).toString('base64')}`
    await answer(exchange, known(req, await identify(req, { signal })), form.getAll('scope'))
  }
  const common = { path: TOKEN_PATH, right: 'none' } as const
  return [
    { ...common, methods: ['GET'], summary: 'token for a registry client', handle: byQuery },
    { ...common, methods: ['POST'], summary: 'the same, as an OAuth2 form', handle: byForm },
  ]
}

/**
 * @throws UNAUTHORIZED for wrong credentials: who has none is no stranger, but is mistaken. Also for a token of ours, which is
 * no log-in: another one would give more than it names, and count when it is over.
 */
function known({ headers }: Shown, principal: Principal): Principal {
  const isWrong = principal.name === 'anonymous' && credentialsIn(headers.authorization).kind !== 'none'
  if (!isWrong && principal.shown === undefined) return principal
  throw refusal(appError('UNAUTHORIZED'), { 'www-authenticate': 'Basic realm="shoal"' })
}

async function readForm(exchange: Exchange): Promise<URLSearchParams> {
  const type = exchange.req.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== FORM_TYPE) throw appError('CONTENT_TYPE_UNSUPPORTED', { message: `the body must be ${FORM_TYPE}` })
  return new URLSearchParams(Buffer.from(await readBytes(exchange, MAX_FORM)).toString('utf8'))
}
