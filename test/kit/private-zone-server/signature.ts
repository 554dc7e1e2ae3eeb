import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface VolcRules {
  readonly region: string
  /** Secrets by access key id. */
  readonly keys: ReadonlyMap<string, string>
  readonly nowMs: number
}

const ALGORITHM = 'HMAC-SHA256'
const MAX_SKEW_MS = 15 * 60_000
const FORM = new RegExp(`^${ALGORITHM} Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$`)

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

/** Escapes all but the unreserved characters of RFC 3986, in upper case. */
const escaped = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/**
 * What is wrong with the signature of a request, as the gateway of Volcano Engine calls it; undefined when it is right. It
 * covers the headers that the request itself names: clients sign more or fewer of them.
 */
export function signatureFault(req: IncomingMessage, body: Buffer, rules: VolcRules): string | undefined {
  const header = (name: string) => String(req.headers[name] ?? '')
  const [, credential, names, signature] = FORM.exec(header('authorization')) ?? []
  if (credential === undefined || names === undefined || signature === undefined) return 'MissingAuthenticationToken'
  const date = header('x-date')
  const iso = date.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z')
  if (!(Math.abs(Date.parse(iso) - rules.nowMs) <= MAX_SKEW_MS)) return 'InvalidTimestamp'
  const [keyId = '', ...scope] = credential.split('/')
  const secret = rules.keys.get(keyId)
  if (secret === undefined) return 'InvalidAccessKey'
  const signed = names.split(';')
  const expectedScope = [date.slice(0, 8), rules.region, 'private_zone', 'request']
  if (scope.join('/') !== expectedScope.join('/') || !signed.includes('x-date')) return 'InvalidCredential'
  const payload = sha256(body)
  if (req.headers['x-content-sha256'] !== undefined && header('x-content-sha256') !== payload) return 'InvalidBody'
  if (body.length > 0 && !signed.includes('x-content-sha256')) return 'InvalidCredential'

  const right = signatureOf(req, { secret, scope, signed, date, payload })
  return timingSafeEqual(Buffer.from(right), Buffer.from(signature)) ? undefined : 'SignatureDoesNotMatch'
}

interface Signing {
  readonly secret: string
  readonly scope: readonly string[]
  readonly signed: readonly string[]
  readonly date: string
  readonly payload: string
}

function signatureOf(req: IncomingMessage, { secret, scope, signed, date, payload }: Signing): string {
  const header = (name: string) => String(req.headers[name] ?? '')
  const url = new URL(req.url ?? '', 'http://host')
  const query = [...url.searchParams].map(([name, value]) => `${escaped(name)}=${escaped(value)}`).sort()
  const lines = [...signed].sort().map((name) => `${name}:${header(name).trim().replace(/\s+/g, ' ')}\n`)
  const canonical = [req.method, url.pathname, query.join('&'), lines.join(''), signed.join(';'), payload].join('\n')
  const key = scope.reduce<string | Buffer>((last, part) => hmac(last, part), secret)
  return hmac(key, [ALGORITHM, date, scope.join('/'), sha256(canonical)].join('\n')).toString('hex')
}
