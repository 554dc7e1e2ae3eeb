import type { Readable } from 'node:stream'
import { type AbortOptions, appError } from '../base/index.ts'
import { type ByteRange, rangeLength, wholeRange } from '../core/index.ts'
import { type Answerable, type Headers, sendEmpty, sendStream } from './answers.ts'
import { entityTag, ifMatchHolds, ifNoneMatchHits, ifRangeHolds } from './conditions.ts'
import { multipart, multipartStream, type OpenRangeOptions } from './multipart.ts'
import { contentRange, MAX_RANGES, parseRange, type RangeRequest } from './range.ts'
import type { Exchange } from './route.ts'

/** What is known about content before its first byte is read. */
export interface ContentFacts {
  /** Identifies exactly these bytes, e.g. their digest; the `ETag` without quotes. */
  readonly tag: string
  /** Bytes. */
  readonly size: number
  readonly mediaType: string
  /** Further headers for every answer, also for a 304. */
  readonly headers?: Headers
}

export interface Content extends ContentFacts {
  /**
   * Called with a range inside the content; several times, one after the other, for a request with several ranges. Each
   * stream is destroyed when it is over.
   */
  open(range: ByteRange, options: OpenRangeOptions): Promise<Readable>
}

export interface SendContentOptions {
  /** Called with the number of payload bytes of each chunk handed to the connection. */
  readonly onBytes?: (count: number) => void
}

const BLOB_HEADERS: Headers = { 'accept-ranges': 'bytes' }

/**
 * Answers what needs no byte of the content: 412 where `If-Match` names other contents only, 304 where `If-None-Match`
 * names this one, else a HEAD, which knows no ranges.
 * False when nothing was answered, because the bytes are wanted.
 */
export function sendContentHead(exchange: Answerable & Pick<Exchange, 'req'>, facts: ContentFacts): boolean {
  const constant = { ...facts.headers, etag: entityTag(facts.tag) }
  const { 'if-match': wanted, 'if-none-match': known } = exchange.req.headers
  if (!ifMatchHolds(wanted, facts.tag)) sendEmpty(exchange, 412, { ...constant, 'content-length': 0 })
  else if (ifNoneMatchHits(known, facts.tag)) sendEmpty(exchange, 304, constant)
  else if (exchange.method === 'HEAD') sendEmpty(exchange, 200, { ...constant, ...entityHeaders(facts, facts.size) })
  else return false
  return true
}

/** `sendContentHead` for content that can be read in ranges. */
export function sendRangedHead(exchange: Answerable & Pick<Exchange, 'req'>, facts: ContentFacts): boolean {
  return sendContentHead(exchange, ranged(facts))
}

/**
 * Answers GET and HEAD: the whole content, the requested range, or one part for each of several ranges, unless `If-Range`
 * cancels them (RFC 9110, 13.2.2 gives the order). Several ranges get a part for each, in their order, even when only one
 * of them can be satisfied, or when they touch: some clients count the parts.
 * @throws RANGE_UNSATISFIABLE and RANGES_EXCESSIVE before anything is opened, what `open` throws, and what `sendStream`
 *   throws
 */
export async function sendContent(
  exchange: Pick<Exchange, 'method' | 'req' | 'res' | 'signal'>,
  content: Content,
  { onBytes }: SendContentOptions = {},
): Promise<void> {
  if (sendRangedHead(exchange, content)) return
  const { tag, headers } = ranged(content)
  const { status, open, ...entity } = answerTo(askedOf(exchange, content), content)
  const body = await open({ signal: exchange.signal })
  await sendStream(exchange, {
    status,
    headers: { ...headers, etag: entityTag(tag), ...entity.headers },
    body,
    ...(onBytes !== undefined && { onBytes }),
  })
}

interface Entity {
  readonly status: number
  readonly headers: Headers
  readonly open: (options: AbortOptions) => Promise<Readable>
}

/** @throws RANGE_UNSATISFIABLE, RANGES_EXCESSIVE */
function answerTo(asked: RangeRequest, content: Content): Entity {
  const { size, tag, mediaType } = content
  const plain = (range: ByteRange) => ({
    headers: entityHeaders(content, rangeLength(range)),
    open: (options: AbortOptions) => content.open(range, options),
  })
  switch (asked.kind) {
    case 'whole':
      return { status: 200, ...plain(wholeRange(size)) }
    case 'single': {
      const { headers, open } = plain(asked.range)
      return { status: 206, headers: { ...headers, 'content-range': contentRange(asked.range, size) }, open }
    }
    case 'several': {
      const parts = multipart(asked.ranges, { size, tag, mediaType })
      const headers = entityHeaders(parts, parts.length)
      return { status: 206, headers, open: (options) => multipartStream(parts, content, options) }
    }
    case 'unsatisfiable':
      throw appError('RANGE_UNSATISFIABLE', { detail: { size } })
    case 'excessive':
      throw appError('RANGES_EXCESSIVE', { detail: { size, limit: MAX_RANGES } })
  }
}

function askedOf({ req }: Pick<Exchange, 'req'>, { tag, size }: ContentFacts): RangeRequest {
  const holds = ifRangeHolds(req.headers['if-range']?.toString(), tag)
  return parseRange(holds ? req.headers.range : undefined, size)
}

function ranged(facts: ContentFacts): ContentFacts {
  const { tag, size, mediaType, headers } = facts
  return { tag, size, mediaType, headers: { ...headers, ...BLOB_HEADERS } }
}

function entityHeaders({ mediaType }: Pick<ContentFacts, 'mediaType'>, length: number): Headers {
  return { 'content-type': mediaType, 'content-length': length }
}
