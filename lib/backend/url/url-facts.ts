import { createHash } from 'node:crypto'
import { appError } from '../../base/index.ts'
import { parseContentRange } from '../../http/index.ts'

/** What a web server says of the content of a URL. */
export interface UrlFacts {
  /** Bytes. */
  readonly size: number
  /** As it was sent: `"abc"` or `W/"abc"`. */
  readonly etag?: string | undefined
  /** As it was sent. At least one of `etag` and `lastModified` is there. */
  readonly lastModified?: string | undefined
  readonly mediaType?: string | undefined
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** Longest header that is kept. */
const MAX_CHARS = 256

const short = (text: string | undefined) => (text !== undefined && text.length <= MAX_CHARS ? text : undefined)

const wordsOf = (header = ''): readonly string[] => header.split(',').map((word) => word.trim().toLowerCase())

/** By these two the content does not differ: we ask for no coding, and send no origin. */
const HARMLESS: readonly string[] = ['', 'accept-encoding', 'origin']

const notShared = (message: string) => appError('URL_NOT_SHARED', { message })

/** Why an answer is for the one who asked, or cannot be told from a later one; undefined: all may have it (RFC 9111, 3). */
function obstacle({ headers }: Answer): string | undefined {
  const control = wordsOf(headers['cache-control']).map((word) => word.split('=')[0] ?? '')
  if (control.includes('no-store') || control.includes('private')) return 'Cache-Control keeps it to one client'
  if (headers['set-cookie'] !== undefined) return 'it sets a cookie'
  if (!wordsOf(headers['vary']).every((word) => HARMLESS.includes(word))) return 'Vary says that it depends on who asks'
  if (!['', 'identity'].includes(headers['content-encoding'] ?? '')) return 'it is compressed on the way'
  return undefined
}

/** The facts in a 200 or 206. @throws URL_NOT_SHARED */
export function urlFacts(answer: Answer): UrlFacts {
  const reason = obstacle(answer)
  if (reason !== undefined) throw notShared(`the answer is not for everybody: ${reason}`)
  const { headers, status } = answer
  const length = /^\d{1,15}$/.exec(headers['content-length'] ?? '')?.[0]
  const size = status === 206 ? parseContentRange(headers['content-range'])?.size : length && Number(length)
  if (typeof size !== 'number') throw notShared('the web server does not say how long the content is')
  const [etag, lastModified] = [short(headers['etag']), short(headers['last-modified'])]
  if (etag === undefined && lastModified === undefined)
    throw notShared('the web server sends neither ETag nor Last-Modified, so that nobody could see a change')
  return { size, etag, lastModified, mediaType: short(headers['content-type']) }
}

const opaque = (etag: string | undefined) => etag?.replace(/^W\//, '')

/** Whether both are of the same content, as far as the web server says (RFC 9110, 8.8.3.2: the weak comparison). */
export function isSameContent(one: UrlFacts, other: UrlFacts): boolean {
  if (one.size !== other.size) return false
  if (one.etag !== undefined || other.etag !== undefined) return opaque(one.etag) === opaque(other.etag)
  return one.lastModified === other.lastModified
}

/**
 * The entity tag by which clients know this content, without quotes: that of the web server if it is a strong one, else
 * one made of all that it says. Other content has another one, and it is the same before the digest is known and after.
 */
export function tagOfUrl({ size, etag, lastModified }: UrlFacts): string {
  const strong = /^"([\x21\x23-\x2b\x2d-\x7e]+)"$/.exec(etag ?? '')?.[1]
  if (strong !== undefined && strong !== '*') return strong
  return createHash('sha256')
    .update(JSON.stringify([size, etag, lastModified]))
    .digest('hex')
    .slice(0, 32)
}

/** The condition under which a server that has still the same content sends none of it. */
export function unlessSame(known: UrlFacts | undefined): Readonly<Record<string, string>> {
  if (known?.etag !== undefined) return { 'if-none-match': known.etag }
  return known?.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }
}
