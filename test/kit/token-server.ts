import { sign, verify } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { type SelfSigned, selfSigned } from './certificate.ts'
import { type Faults, withFaults } from './http-faults.ts'
import { keptAlive } from './kept-alive.ts'
import { listening } from './listening.ts'

export interface TokenServerInit {
  /** Passwords by user name. */
  readonly users?: Readonly<Record<string, string>>
  /** User names by identity token. */
  readonly identities?: Readonly<Record<string, string>>
  /** Rights without a user name; default: none. */
  readonly anonymous?: readonly string[]
  /** Whether a user, or nobody (`''`), has rights in a repository; default: in all. */
  readonly mayUse?: (user: string, repository: string) => boolean
}

interface Access {
  readonly type: string
  readonly name: string
  readonly actions: readonly string[]
}

/** One issued token. */
export interface GivenToken {
  readonly method: string
  readonly user: string
  readonly scope: string
}

/** The token server of a registry, as documented by the distribution project; its users have all rights, unless `mayUse` says otherwise. */
export interface TokenServer extends AsyncDisposable {
  readonly realm: string
  readonly service: string
  readonly issuer: string
  /** PEM; certificate of the key that signs the tokens. */
  readonly certificate: string
  /** Oldest first. */
  readonly given: readonly GivenToken[]
  readonly faults: Faults
  /** Lifetime that later tokens announce, seconds; 300 at first. */
  lifetimeSeconds: number
  /** From now on all tokens issued so far are refused. */
  revoke(): void
  /** The rights in a token of this server; undefined when the token is invalid. */
  accessOf(token: string): readonly Access[] | undefined
}

const service = 'the registry of the test'
const issuer = 'the token server of the test'

/** Starts a token server on a free port. */
export async function tokenServer(init: TokenServerInit = {}): Promise<TokenServer> {
  const identity = selfSigned()
  const given: GivenToken[] = []
  const good = new Set<string>()
  let lifetimeSeconds = 300

  const grant = (method: string, user: string, scopes: readonly string[], res: ServerResponse) => {
    const access = scopes.map(accessIn).filter((one) => one !== undefined)
    const mine = access.filter(({ name }) => init.mayUse?.(user, name) ?? true)
    const allowed = user === '' ? mine.map((one) => only(one, init.anonymous ?? [])) : mine
    const token = signed(identity, { user, access: allowed, lifetimeSeconds })
    good.add(token)
    given.push({ method, user, scope: scopes.join(' ') })
    const field = method === 'GET' ? 'token' : 'access_token'
    answer(res, 200, { [field]: token, expires_in: lifetimeSeconds })
  }

  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const { searchParams } = new URL(req.url ?? '', 'http://localhost')
    if (req.method === 'GET') {
      const user = basicUser(init.users ?? {}, req.headers.authorization)
      if (user === undefined) {
        answer(res, 401, { details: 'wrong name or password' })
        return
      }
      grant('GET', user, searchParams.getAll('scope'), res)
      return
    }
    const form = new URLSearchParams(await text(req))
    const user = formUser(init, form)
    if (user === undefined) {
      answer(res, 401, { details: 'wrong grant' })
      return
    }
    grant('POST', user, (form.get('scope') ?? '').split(' '), res)
  }

  const { handler, faults } = withFaults((req, res) => void serve(req, res))
  const { url, kill } = await listening(createServer(keptAlive, handler))
  return {
    realm: `${url}/token`,
    service,
    issuer,
    certificate: identity.certificate,
    given,
    faults,
    get lifetimeSeconds() {
      return lifetimeSeconds
    },
    set lifetimeSeconds(seconds) {
      lifetimeSeconds = seconds
    },
    revoke: () => good.clear(),
    accessOf: (token) => (good.has(token) ? accessOf(identity, token) : undefined),
    [Symbol.asyncDispose]: kill,
  }
}

function answer(res: ServerResponse, status: number, value: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** The user's name, `''` without credentials, undefined with wrong credentials. */
function basicUser(users: Readonly<Record<string, string>>, header: string | undefined): string | undefined {
  if (header === undefined) return ''
  const [name = '', password] = Buffer.from(header.replace(/^Basic /, ''), 'base64')
    .toString()
    .split(':')
  return users[name] === password ? name : undefined
}

function formUser({ users = {}, identities = {} }: TokenServerInit, form: URLSearchParams): string | undefined {
  if (form.get('grant_type') === 'refresh_token') return identities[form.get('refresh_token') ?? '']
  const name = form.get('username') ?? ''
  return users[name] !== undefined && users[name] === form.get('password') ? name : undefined
}

function accessIn(scope: string): Access | undefined {
  const [, type, name, actions] = /^(\w+):(.+):([^:]*)$/.exec(scope) ?? []
  if (type === undefined || name === undefined || actions === undefined) return undefined
  return { type, name, actions: actions.split(',') }
}

const only = (access: Access, allowed: readonly string[]): Access => ({
  ...access,
  actions: access.actions.filter((action) => allowed.includes(action)),
})

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

interface Claims {
  readonly user: string
  readonly access: readonly Access[]
  readonly lifetimeSeconds: number
}

let tokens = 0

/** A JSON Web Token over ES256; valid since an hour ago, because clocks may differ. */
function signed(identity: SelfSigned, { user, access, lifetimeSeconds }: Claims): string {
  const now = Math.floor(Date.now() / 1000)
  tokens += 1
  const times = { iat: now, nbf: now - 3600, exp: now + lifetimeSeconds }
  const claims = { iss: issuer, sub: user, aud: service, jti: `${tokens}`, ...times, access }
  const head = `${base64({ typ: 'JWT', alg: 'ES256', x5c: [identity.der] })}.${base64(claims)}`
  const key = { key: identity.privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${head}.${sign('sha256', Buffer.from(head), key).toString('base64url')}`
}

function accessOf(identity: SelfSigned, token: string): readonly Access[] | undefined {
  const [head = '', claims = '', signature = ''] = token.split('.')
  const key = { key: identity.certificate, dsaEncoding: 'ieee-p1363' } as const
  const signedText = Buffer.from(`${head}.${claims}`)
  if (!verify('sha256', signedText, key, Buffer.from(signature, 'base64url'))) return undefined
  const { exp, access } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { exp: number; access: Access[] }
  return exp * 1000 > Date.now() ? access : undefined
}
