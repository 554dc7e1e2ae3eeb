import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type AbortOptions, appError } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'
import type { ObjectRead, ObjectStat } from '../backend.ts'
import { checkedBody } from './checked-body.ts'
import { malformed, statOf, sumOf, type TosHeaders } from './tos-exchange.ts'

/** Objects up to this size are read into memory whole before their first byte is given. */
const VERIFIED_BYTES = 1024 * 1024

interface TosAnswer {
  readonly statusCode: number
  readonly headers: TosHeaders
}

/** The answer to a read. */
export interface TosReadAnswer extends TosAnswer {
  /** Must be destroyed with an error, or else the SDK keeps the connection. */
  readonly content: Readable
}

export function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${start}-${end - 1}`
}

/**
 * The object or its requested range, checked. A small object that is read whole is checked before its first byte is
 * given, so that the reader can retry; a larger one fails at its end.
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
  // The checksum of a larger object is useful only when one answer has all of it.
  const body = checkedBody(content, { length, crc64: isSmall || range === undefined ? crc64 : undefined }, options)
  return { ...stat, body: isSmall ? Readable.from([await buffer(body)]) : body }
}

interface Part extends ObjectStat {
  /** Number of bytes in the answer. */
  readonly length: number
  /** Checksum of the whole object, if the backend gives it. */
  readonly crc64: bigint | undefined
}

function wholeOf({ statusCode, headers }: TosAnswer): Part {
  if (statusCode !== 200) throw malformed()
  const stat = statOf(headers, Number(headers['content-length']))
  return { ...stat, length: stat.size, crc64: sumOf(headers) }
}

/** A range that exceeded the object was cut at its end. */
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
