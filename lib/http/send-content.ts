import type { Readable } from 'node:stream'
import { type AbortOptions, appError } from '../base/index.ts'
import { type ByteRange, rangeLength, wholeRange } from '../core/index.ts'
import { type Answerable, type Headers, sendEmpty, sendStream } from './answers.ts'
import { entityTag, ifMatchHolds, ifNoneMatchHits, ifRangeHolds } from './conditions.ts'
import { contentRange, parseRange } from './range.ts'
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
  /** Called at most once, with a range inside the content. The stream is destroyed when the answer is over. */
  open(range: ByteRange, options: AbortOptions): Promise<Readable>
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
 * Answers GET and HEAD: the whole content, or the single requested range unless `If-Range` cancels it (RFC 9110, 13.2.2
 * gives the order). Several ranges get the whole content, even when only one of them could be satisfied: the client
 * must not mistake one part for two.
 * @throws RANGE_UNSATISFIABLE before anything is opened, what `open` throws, and what `sendStream` throws
 */
export async function sendContent(
  exchange: Pick<Exchange, 'method' | 'req' | 'res' | 'signal'>,
  content: Content,
  { onBytes }: SendContentOptions = {},
): Promise<void> {
  if (sendRangedHead(exchange, content)) return
  const { tag, size, headers } = ranged(content)
  const part = partOf(exchange, content)
  const range = part ?? wholeRange(size)
  const body = await content.open(range, { signal: exchange.signal })
  await sendStream(exchange, {
    status: part === undefined ? 200 : 206,
    headers: {
      ...headers,
      etag: entityTag(tag),
      ...entityHeaders(content, rangeLength(range)),
      'content-range': part && contentRange(part, size),
    },
    body,
    ...(onBytes !== undefined && { onBytes }),
  })
}

/** Undefined means the whole content. @throws RANGE_UNSATISFIABLE */
function partOf({ req }: Pick<Exchange, 'req'>, { tag, size }: ContentFacts): ByteRange | undefined {
  const { range } = req.headers
  if (range?.includes(',') === true || !ifRangeHolds(req.headers['if-range']?.toString(), tag)) return undefined
  const asked = parseRange(range, size)
  if (asked.kind === 'unsatisfiable') throw appError('RANGE_UNSATISFIABLE', { detail: { size } })
  return asked.kind === 'single' ? asked.range : undefined
}

function ranged(facts: ContentFacts): ContentFacts {
  const { tag, size, mediaType, headers } = facts
  return { tag, size, mediaType, headers: { ...headers, ...BLOB_HEADERS } }
}

function entityHeaders({ mediaType }: ContentFacts, length: number): Headers {
  return { 'content-type': mediaType, 'content-length': length }
}
