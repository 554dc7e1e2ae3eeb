import type { Readable } from 'node:stream'
import { type AbortOptions, appError } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'
import type { ObjectRead } from '../backend.ts'
import { checkedBody } from './checked-body.ts'
import { malformed, statOf, sumOf, type TosHeaders } from './tos-exchange.ts'

/** The answer to a read. */
export interface TosReadAnswer {
  readonly statusCode: number
  readonly headers: TosHeaders
  /** Must be destroyed with an error, or the SDK keeps the connection. */
  readonly content: Readable
}

export function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${start}-${end - 1}`
}

/** The object or the range of it that was asked for, checked. @throws BACKEND_UNAVAILABLE */
export function readOf(answer: TosReadAnswer, range: ByteRange | undefined, options: AbortOptions): ObjectRead {
  try {
    return range === undefined ? wholeOf(answer, options) : partOf(answer, range, options)
  } catch (err) {
    answer.content.destroy(malformed())
    throw err
  }
}

function wholeOf({ statusCode, headers, content }: TosReadAnswer, options: AbortOptions): ObjectRead {
  if (statusCode !== 200) throw malformed()
  const stat = statOf(headers, Number(headers['content-length']))
  return { ...stat, body: checkedBody(content, { length: stat.size, crc64: sumOf(headers) }, options) }
}

/** A range that goes beyond the end was cut there. The sum is of the whole object, whatever was asked for. */
function partOf({ statusCode, headers, content }: TosReadAnswer, range: ByteRange, options: AbortOptions): ObjectRead {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? []
  if (statusCode !== 206) throw otherRange()
  const stat = statOf(headers, Number(total))
  const length = Math.min(range.end, stat.size) - range.start
  if (Number(first) !== range.start || Number(last) !== range.start + length - 1) throw otherRange()
  const crc64 = length === stat.size ? sumOf(headers) : undefined
  return { ...stat, body: checkedBody(content, { length, crc64 }, options) }
}

function otherRange() {
  const message = 'the store answered with other bytes than were asked for; something between ignores ranges'
  return appError('BACKEND_UNAVAILABLE', { message })
}
