import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type AbortOptions, appError } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'
import type { ObjectRead, ObjectStat } from '../backend.ts'
import { checkedBody } from './checked-body.ts'
import { malformed, statOf, sumOf, type TosHeaders } from './tos-exchange.ts'

/** Objects up to this are read whole, into memory, before the first byte of them is given. */
const VERIFIED_BYTES = 1024 * 1024

interface TosAnswer {
  readonly statusCode: number
  readonly headers: TosHeaders
}

/** The answer to a read. */
export interface TosReadAnswer extends TosAnswer {
  /** Must be destroyed with an error, or the SDK keeps the connection. */
  readonly content: Readable
}

export function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${start}-${end - 1}`
}

/**
 * The object or the range of it that was asked for, checked. Of a small object that is read whole no byte is given
 * before its sum is known to be right, so that whoever reads it may try again; a larger one fails at its end.
 * @throws BACKEND_UNAVAILABLE
 */
export async function readOf(
  { content, ...answer }: TosReadAnswer,
  range: ByteRange | undefined,
  options: AbortOptions,
): Promise<ObjectRead> {
  let part: Part
  try {
    part = range === undefined ? wholeOf(answer) : partOf(answer, range)
  } catch (err) {
    content.destroy(malformed())
    throw err
  }
  const { length, crc64, ...stat } = part
  const isSmall = length === stat.size && length <= VERIFIED_BYTES
  // Of a larger object the sum is of use only where all of it comes in one answer.
  const body = checkedBody(content, { length, crc64: isSmall || range === undefined ? crc64 : undefined }, options)
  return { ...stat, body: isSmall ? Readable.from([await buffer(body)]) : body }
}

interface Part extends ObjectStat {
  /** Bytes of the answer. */
  readonly length: number
  /** Sum of the whole object, where the backend names it. */
  readonly crc64: bigint | undefined
}

function wholeOf({ statusCode, headers }: TosAnswer): Part {
  if (statusCode !== 200) throw malformed()
  const stat = statOf(headers, Number(headers['content-length']))
  return { ...stat, length: stat.size, crc64: sumOf(headers) }
}

/** A range that goes beyond the end was cut there. */
function partOf({ statusCode, headers }: TosAnswer, range: ByteRange): Part {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? []
  if (statusCode !== 206) throw otherRange()
  const stat = statOf(headers, Number(total))
  const length = Math.min(range.end, stat.size) - range.start
  if (Number(first) !== range.start || Number(last) !== range.start + length - 1) throw otherRange()
  return { ...stat, length, crc64: sumOf(headers) }
}

function otherRange() {
  const message = 'the backend answered with other bytes than were asked for; something between ignores ranges'
  return appError('BACKEND_UNAVAILABLE', { message })
}
