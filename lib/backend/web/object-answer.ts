import { Readable } from 'node:stream'
import { type AbortOptions, abortsWith, appError } from '../../base/index.ts'
import { type ByteRange, rangeLength, wholeRange } from '../../core/index.ts'
import { type HttpResponse, parseContentRange } from '../../http/index.ts'
import type { ObjectRead, ReadObjectOptions } from '../backend.ts'
import type { TurnOptions } from '../governor/urgent-first.ts'
import type { Governor } from '../governor.ts'
import { rangeWithin } from '../object-range.ts'
import { webFailure } from './web-client.ts'

/** The `Range` header for a non-empty `range`; without a range, no header. */
export function rangeHeader(range: ByteRange | undefined): Readonly<Record<string, string>> {
  return range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}` }
}

/** Size of the whole object, from the header of a 200 or 206; undefined when it is not given. */
export function sizeOf({ status, headers }: HttpResponse): number | undefined {
  return offeredBy({ status, headers })?.size
}

export interface ObjectAnswerInit extends TurnOptions, Pick<ReadObjectOptions, 'orWhole'> {
  readonly range?: ByteRange | undefined
  readonly etag: string
  readonly governor: Governor
}

/**
 * Turns a 200 or 206 into the requested bytes. A server may ignore the range: then the bytes before it are skipped, and
 * the connection is closed after it; or all bytes are given, with `orWhole`.
 * @throws RANGE_UNSATISFIABLE, BACKEND_UNAVAILABLE when the answer has no length, or other bytes than requested
 */
export function objectFrom(
  answer: HttpResponse,
  { range, orWhole, etag, governor, signal, urgency }: ObjectAnswerInit,
): ObjectRead {
  try {
    const offered = offeredBy(answer)
    if (offered === undefined) throw unusable('the backend does not give the length')
    if (!isPlain(answer)) throw unusable('the backend compresses what it sends')
    const asked = rangeWithin(range, offered.size)
    const { start, end } = offered.range
    const isWhole = orWhole === true && rangeLength(asked) < offered.size && rangeLength(offered.range) === offered.size
    const wanted = isWhole ? offered.range : asked
    if (wanted.start < start || wanted.end > end) throw unusable('the backend sends another range than asked for')
    const part = { start: wanted.start - start, end: wanted.end - start }
    const body = partOf(governor.received(answer.body, { urgency }), part, { whole: end - start, signal })
    return { size: offered.size, etag, body, ...(isWhole && { isWhole }) }
  } catch (err) {
    answer.body.destroy()
    throw err
  }
}

interface Offer {
  readonly size: number
  readonly range: ByteRange
}

function offeredBy({ status, headers }: Pick<HttpResponse, 'status' | 'headers'>): Offer | undefined {
  if (status === 206) {
    const { range, size } = parseContentRange(headers['content-range']) ?? {}
    return range === undefined || size === undefined ? undefined : { range, size }
  }
  const length = headers['content-length']
  return length !== undefined && /^\d{1,15}$/.test(length)
    ? { size: Number(length), range: wholeRange(Number(length)) }
    : undefined
}

function isPlain({ headers }: HttpResponse): boolean {
  return ['', 'identity'].includes(headers['content-encoding'] ?? '')
}

function unusable(message: string) {
  return appError('BACKEND_UNAVAILABLE', { message })
}

/**
 * `part` of a source of `whole` bytes. When the source ends early or fails, the part fails with BACKEND_UNAVAILABLE.
 */
function partOf(
  source: Readable,
  part: ByteRange,
  { whole, signal }: AbortOptions & { readonly whole: number },
): Readable {
  let at = 0
  let sent = 0
  const wanted = rangeLength(part)
  const fail = (err: unknown) => void out.destroy(webFailure(err))
  const out = new Readable({
    read: () => void source.resume(),
    destroy(err, done) {
      source.destroy()
      done(err)
    },
  })
  const take = (chunk: Uint8Array) => {
    const piece = chunk.subarray(Math.max(0, part.start - at), Math.max(0, part.end - at))
    at += chunk.length
    sent += piece.length
    if (piece.length > 0 && !out.push(piece)) source.pause()
    // When the body goes on after the part, the rest is not wanted; when it ends there, its connection can be reused.
    if (sent === wanted && part.end < whole) {
      out.push(null)
      source.destroy()
    }
  }
  const end = () => {
    if (sent === wanted) out.push(null)
    else fail(unusable('the backend sent fewer bytes than it promised'))
  }
  out.on('error', () => undefined)
  source.on('data', take).on('end', end).on('error', fail)
  source.pause()
  abortsWith(out, signal)
  return out
}
