import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

/** A small real provider of OpenID Connect: the code flow with PKCE, checked as RFC 7636 has it. */
export interface OidcProvider extends AsyncDisposable {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Whoever comes next is signed in there as this one, who is known by these claims. */
  signedIn(claims: Readonly<Record<string, unknown>>): void
  /** The next ID token lies in this way; once. */
  lieOnce(lie: Lie): void
  /** What it refused, and why. */
  readonly refused: readonly string[]
}

export type Lie = 'nonce' | 'audience' | 'issuer' | 'key' | 'expired'

interface Code {
  readonly challenge: string
  readonly nonce: string
  readonly redirectUri: string
}

const KEY_ID = 'one'
const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')

export async function oidcProvider(): Promise<OidcProvider> {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const foreign = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'RS256', use: 'sig' }
  const [clientId, clientSecret] = ['manager', base64url(randomBytes(16))]
  const codes = new Map<string, Code>()
  const refused: string[] = []
  let claims: Readonly<Record<string, unknown>> = {}
  let lie: Lie | undefined
  let issuer = ''

  const json = (res: ServerResponse, status: number, value: unknown) =>
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))

  const authorize = (res: ServerResponse, query: URLSearchParams) => {
    const asked = Object.fromEntries(query)
    if (asked['code_challenge_method'] !== 'S256' || asked['client_id'] !== clientId) {
      refused.push('authorize')
      json(res, 400, { error: 'invalid_request' })
      return
    }
    const code = base64url(randomBytes(16))
    const { nonce = '', code_challenge: challenge = '', redirect_uri: redirectUri = '', state = '' } = asked
    codes.set(code, { challenge, nonce, redirectUri })
    const back = new URL(redirectUri)
    back.search = new URLSearchParams({ code, state }).toString()
    res.writeHead(302, { location: back.href }).end()
  }

  const idToken = async (nonce: string) => {
    const told = lie
    lie = undefined
    const nowS = Math.floor(Date.now() / 1000) - (told === 'expired' ? 10_000 : 0)
    return new SignJWT({ ...claims, nonce: told === 'nonce' ? 'another' : nonce })
      .setProtectedHeader({ alg: 'RS256', kid: KEY_ID })
      .setIssuer(told === 'issuer' ? 'https://evil.example' : issuer)
      .setAudience(told === 'audience' ? 'another' : clientId)
      .setIssuedAt(nowS)
      .setExpirationTime(nowS + 300)
      .sign(told === 'key' ? foreign.privateKey : privateKey)
  }

  const token = async (req: IncomingMessage, res: ServerResponse) => {
    const form = new URLSearchParams(await text(req))
    // Both parts are form-encoded (RFC 6749, 2.3.1).
    const [, shown = ''] = (req.headers.authorization ?? '').split('Basic ')
    const client = Buffer.from(shown, 'base64').toString().split(':').map(decodeURIComponent)
    const code = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const proof = base64url(
      createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest(),
    )
    const wrong =
      client.join(':') !== `${clientId}:${clientSecret}`
        ? 'client'
        : code === undefined
          ? 'code'
          : code.redirectUri !== form.get('redirect_uri')
            ? 'redirect'
            : code.challenge !== proof
              ? 'pkce'
              : undefined
    if (wrong !== undefined || code === undefined) {
      refused.push(wrong ?? 'code')
      json(res, 400, { error: 'invalid_grant' })
      return
    }
    json(res, 200, { access_token: 'x', token_type: 'Bearer', expires_in: 60, id_token: await idToken(code.nonce) })
  }

  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', issuer)
    if (pathname === '/authorize') authorize(res, searchParams)
    else if (pathname === '/token') void token(req, res)
    else if (pathname === '/jwks') json(res, 200, { keys: [jwk] })
    else if (pathname === '/.well-known/openid-configuration')
      json(res, 200, {
        ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
        ...{ jwks_uri: `${issuer}/jwks`, response_types_supported: ['code'], subject_types_supported: ['public'] },
        ...{ id_token_signing_alg_values_supported: ['RS256'], code_challenge_methods_supported: ['S256'] },
      })
    else json(res, 404, {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    ...{ issuer, clientId, clientSecret, refused },
    signedIn: (who) => {
      claims = who
    },
    lieOnce: (next) => {
      lie = next
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
