import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { TosRefusal } from './tos-refusal.ts'

export interface TosKey {
  readonly secretAccessKey: string
  /** The key is temporary, and requests must send this token. */
  readonly securityToken?: string
}

export interface SignatureRules {
  readonly region: string
  /** Keys by their access key id. */
  readonly keys: ReadonlyMap<string, TosKey>
  readonly nowMs: number
}

/** The signed parts of a request; header names in lower case. */
export interface SignedRequest {
  readonly method: string
  /** Path as sent, with its escapes. */
  readonly path: string
  readonly query: readonly (readonly [name: string, value: string])[]
  readonly headers: Readonly<Record<string, string>>
}

const ALGORITHM = 'TOS4-HMAC-SHA256'
const MAX_SKEW_MS = 15 * 60_000
const FORM = new RegExp(`^${ALGORITHM} Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$`)

/** Returns the signed hash of the payload. @throws TosRefusal as documented by TOS */
export function checkSignature(req: IncomingMessage, rules: SignatureRules): string {
  const headers = firstValues(req)
  const [, credential, names, signature] = FORM.exec(headers['authorization'] ?? '') ?? []
  if (credential === undefined || names === undefined || signature === undefined) {
    throw new TosRefusal(403, 'AccessDenied', 'no signature of the version 4 in the header Authorization')
  }
  const date = headers['x-tos-date'] ?? ''
  checkDate(date, rules.nowMs)
  const [accessKeyId = '', ...scope] = credential.split('/')
  const key = keyOf(accessKeyId, headers['x-tos-security-token'] ?? '', rules)
  if (scope.join('/') !== scopeOf(date, rules.region)) throw new TosRefusal(403, 'SignatureDoesNotMatch', 'wrong scope')
  const signed = names.split(';')
  checkCovered(headers, signed)
  const url = new URL(req.url ?? '', 'http://host')
  const request = { method: req.method ?? '', path: url.pathname, query: [...url.searchParams], headers }
  const expected = signatureOf(request, { signed, secret: key.secretAccessKey, region: rules.region })
  if (!timingSafeEqual(Buffer.from(expected), Buffer.from(signature))) {
    throw new TosRefusal(403, 'SignatureDoesNotMatch')
  }
  return headers['x-tos-content-sha256'] ?? ''
}

function keyOf(accessKeyId: string, token: string, { keys }: SignatureRules): TosKey {
  const key = keys.get(accessKeyId)
  if (key === undefined) throw new TosRefusal(403, 'InvalidAccessKeyId')
  if (token !== (key.securityToken ?? '')) throw new TosRefusal(403, 'InvalidSecurityToken')
  return key
}

function checkCovered(headers: Readonly<Record<string, string>>, signed: readonly string[]): void {
  const unsigned = Object.keys(headers).find((name) => name.startsWith('x-tos-') && !signed.includes(name))
  if (unsigned === undefined && signed.includes('host')) return
  throw new TosRefusal(403, 'AccessDenied', `the header ${unsigned ?? 'host'} is not signed`)
}

/** The signature in hexadecimal digits, computed as the documentation says. */
export function signatureOf(
  request: SignedRequest,
  key: { readonly signed: readonly string[]; readonly secret: string; readonly region: string },
): string {
  const date = request.headers['x-tos-date'] ?? ''
  const scope = scopeOf(date, key.region)
  const canonical = canonicalRequest(request, key.signed)
  const toSign = [ALGORITHM, date, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  const signingKey = scope.split('/').reduce<string | Buffer>((secret, part) => hmac(secret, part), key.secret)
  return hmac(signingKey, toSign).toString('hex')
}

function canonicalRequest({ method, path, query, headers }: SignedRequest, signed: readonly string[]): string {
  const parameters = query.map(([name, value]) => `${escaped(name)}=${escaped(value)}`).sort()
  const lines = [...signed].sort().map((name) => `${name}:${(headers[name] ?? '').trim().replace(/\s+/g, ' ')}\n`)
  const uri = path.split('/').map((part) => escaped(decodeURIComponent(part)).replaceAll('%2F', '/'))
  const payload = headers['x-tos-content-sha256'] ?? ''
  return [method, uri.join('/'), parameters.join('&'), lines.join(''), signed.join(';'), payload].join('\n')
}

function checkDate(date: string, nowMs: number): void {
  const [, day, time] = /^(\d{8})T(\d{6})Z$/.exec(date) ?? []
  if (day === undefined || time === undefined) throw new TosRefusal(403, 'MissingSecurityHeader', 'no x-tos-date')
  const iso = `${day.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`
  if (Math.abs(Date.parse(iso) - nowMs) > MAX_SKEW_MS) throw new TosRefusal(403, 'RequestTimeTooSkewed')
}

const scopeOf = (date: string, region: string) => `${date.slice(0, 8)}/${region}/tos/request`

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** Escapes all but the unreserved characters of RFC 3986, in upper case. */
const escaped = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

function firstValues(req: IncomingMessage): Record<string, string> {
  const values: Record<string, string> = {}
  for (const [name, value] of Object.entries(req.headers))
    values[name] = Array.isArray(value) ? value.join(',') : (value ?? '')
  return values
}
