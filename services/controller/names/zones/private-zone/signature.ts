import { createHash, createHmac } from 'node:crypto'

/** An access key of Volcano Engine. */
export interface VolcKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary keys. */
  readonly sessionToken?: string | undefined
}

export interface VolcRequest {
  readonly method: 'GET' | 'POST'
  readonly host: string
  readonly query: Readonly<Record<string, string>>
  /** JSON; empty for GET. */
  readonly body: string
  readonly region: string
  readonly service: string
  /** Epoch milliseconds. */
  readonly nowMs: number
}

const ALGORITHM = 'HMAC-SHA256'
const CONTENT_TYPE = 'application/json; charset=utf-8'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** Escapes all but the unreserved characters of RFC 3986. */
const escaped = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/** The query as it is sent and signed: by name, in the order of bytes. */
export const canonicalQuery = (query: Readonly<Record<string, string>>): string =>
  Object.entries(query)
    .map(([name, value]) => [escaped(name), escaped(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&')

/** `20220601T120000Z` */
const dateOf = (nowMs: number) => new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '')

/**
 * The headers of a request to an OpenAPI of Volcano Engine, with its signature (version 4, whose chain of keys begins with
 * the secret key as it is). Everything that says what is asked is signed, the host included.
 */
export function signedHeaders(request: VolcRequest, key: VolcKey): Readonly<Record<string, string>> {
  const { method, host, query, body, region, service, nowMs } = request
  const date = dateOf(nowMs)
  const payload = sha256(body)
  const signed: Readonly<Record<string, string>> = {
    'content-type': CONTENT_TYPE,
    host,
    'x-content-sha256': payload,
    'x-date': date,
    ...(key.sessionToken !== undefined && { 'x-security-token': key.sessionToken }),
  }
  const names = Object.keys(signed).sort()
  const lines = names.map((name) => `${name}:${signed[name] ?? ''}\n`).join('')
  const canonical = [method, '/', canonicalQuery(query), lines, names.join(';'), payload].join('\n')
  const scope = [date.slice(0, 8), region, service, 'request']
  const signing = scope.reduce<string | Buffer>((secret, part) => hmac(secret, part), key.secretAccessKey)
  const signature = hmac(signing, [ALGORITHM, date, scope.join('/'), sha256(canonical)].join('\n')).toString('hex')
  const credential = `${key.accessKeyId}/${scope.join('/')}`
  return {
    ...signed,
    authorization: `${ALGORITHM} Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  }
}
