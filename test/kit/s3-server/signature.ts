import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { S3Failure } from './failure.ts'

/** Keys that can sign requests. */
export interface S3Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** When it is set, every request must send it. */
  readonly sessionToken?: string
  /** Expiry of temporary keys, milliseconds since the epoch. */
  readonly expiresMs?: number
}

export interface SignatureRules {
  readonly region: string
  readonly keysOf: (accessKeyId: string) => S3Keys | undefined
  readonly nowMs: () => number
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
const LARGEST_SKEW_MS = 15 * 60_000

interface Authorization {
  readonly accessKeyId: string
  readonly date: string
  readonly region: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

/** Checks Signature Version 4 of a request. Written from the specification, not from any client. @throws S3Failure */
export function verifySignature(req: IncomingMessage, { region, keysOf, nowMs }: SignatureRules): void {
  const headers = signedOver(req)
  const given = authorizationOf(headers.get('authorization'))
  const keys = keysOf(given.accessKeyId)
  if (keys === undefined) throw new S3Failure('InvalidAccessKeyId', { AWSAccessKeyId: given.accessKeyId })
  if (given.region !== region) {
    const message = `The authorization header is malformed; the region '${given.region}' is wrong; expecting '${region}'`
    throw new S3Failure('AuthorizationHeaderMalformed', { Region: region }, message)
  }
  const time = headers.get('x-amz-date') ?? ''
  checkTime(time, given.date, nowMs())
  checkHeaders(headers, given.signedHeaders)
  const toSign = [ALGORITHM, time, scopeOf(given), sha256(canonicalRequest(req, headers, given.signedHeaders))].join(
    '\n',
  )
  const key = ['aws4_request', 's3', given.region, given.date].reduceRight<Buffer>(
    (signing, part) => hmac(signing, part),
    Buffer.from(`AWS4${keys.secretAccessKey}`),
  )
  const expected = hmac(key, toSign)
  const signature = Buffer.from(given.signature, 'hex')
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
    throw new S3Failure('SignatureDoesNotMatch', { AWSAccessKeyId: given.accessKeyId, StringToSign: toSign })
  }
  checkToken(headers.get('x-amz-security-token'), keys, nowMs())
}

/** The headers as sent: a fault in front of the server may have changed `req.headers`. */
function signedOver(req: IncomingMessage): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (let at = 0; at + 1 < req.rawHeaders.length; at += 2) {
    const name = (req.rawHeaders[at] ?? '').toLowerCase()
    const value = (req.rawHeaders[at + 1] ?? '').trim().replaceAll(/ +/g, ' ')
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  return headers
}

function authorizationOf(header: string | undefined): Authorization {
  if (header === undefined) throw new S3Failure('AccessDenied')
  const [, credential = '', signedHeaders = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^, ]+), ?SignedHeaders=([^, ]+), ?Signature=([0-9a-f]+)$/.exec(header) ?? []
  const [accessKeyId = '', date = '', region = '', service, terminator] = credential.split('/')
  if (service !== 's3' || terminator !== 'aws4_request') throw new S3Failure('AuthorizationHeaderMalformed')
  return { accessKeyId, date, region, signedHeaders: signedHeaders.split(';'), signature }
}

function checkTime(time: string, date: string, nowMs: number): void {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? []
  const sentMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(sentMs) || !time.startsWith(date)) throw new S3Failure('AccessDenied')
  if (Math.abs(nowMs - sentMs) > LARGEST_SKEW_MS) {
    throw new S3Failure('RequestTimeTooSkewed', {
      RequestTime: time,
      ServerTime: new Date(nowMs).toISOString(),
      MaxAllowedSkewMilliseconds: LARGEST_SKEW_MS,
    })
  }
}

/** The host and all x-amz headers must be signed; otherwise someone on the way could change them. */
function checkHeaders(headers: ReadonlyMap<string, string>, signed: readonly string[]): void {
  const needed = ['host', ...[...headers.keys()].filter((name) => name.startsWith('x-amz-'))]
  const unsigned = needed.filter((name) => !signed.includes(name))
  if (unsigned.length > 0) {
    throw new S3Failure(
      'AccessDenied',
      { HeadersNotSigned: unsigned.join(', ') },
      'There were headers that were not signed',
    )
  }
}

function canonicalRequest(
  req: IncomingMessage,
  headers: ReadonlyMap<string, string>,
  signed: readonly string[],
): string {
  const [path = '', query = ''] = (req.url ?? '').split('?', 2)
  const parameters = query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => part.split('=', 2).map((text) => encoded(decodeURIComponent(text))))
    .map(([name = '', value = '']) => `${name}=${value}`)
    .sort()
  return [
    req.method,
    path
      .split('/')
      .map((segment) => encoded(decodeURIComponent(segment)))
      .join('/'),
    parameters.join('&'),
    ...signed.map((name) => `${name}:${headers.get(name) ?? ''}`),
    '',
    signed.join(';'),
    headers.get('x-amz-content-sha256'),
  ].join('\n')
}

function checkToken(token: string | undefined, { sessionToken, expiresMs }: S3Keys, nowMs: number): void {
  if (token !== sessionToken) throw new S3Failure('InvalidToken')
  if (expiresMs !== undefined && expiresMs <= nowMs) throw new S3Failure('ExpiredToken')
}

const scopeOf = ({ date, region }: Authorization) => `${date}/${region}/s3/aws4_request`
const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
