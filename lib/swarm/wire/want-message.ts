import { appError } from '../../base/index.ts'
import { type ByteRange, type ReadPriority, rangeLength, readPriorities } from '../../core/index.ts'
import { type BencodeDictionary, decodeBencode, encodeBencode, isBencodeDictionary } from '../../metainfo/index.ts'
import { swarmLimits } from '../limits.ts'
import { EXTENDED, encodeExtended } from './messages.ts'

/**
 * What an agent wants an origin to bring of an arriving blob: all that it wants at this priority now, in place of what it
 * has said before. Nothing is wanted any more when there are no ranges.
 */
export interface Want {
  readonly priority: ReadPriority
  /** In bytes of the blob; ascending, with gaps between them. */
  readonly ranges: readonly ByteRange[]
}

/** The longest payload: the numbers of its ranges as text, and the names of its fields. */
const MAX_BYTES = 1216

const invalid = () => appError('WIRE_FRAME_INVALID', { message: 'a message about wanted bytes is wrong' })

/** A whole message: `{priority, ranges: [start, end, start, end, ...]}`. */
export function encodeWant({ priority, ranges }: Want): Uint8Array {
  const numbers = ranges.flatMap(({ start, end }) => [start, end])
  return encodeExtended(EXTENDED.want, encodeBencode({ priority, ranges: numbers }))
}

/**
 * `payload` is what follows the id, `length` that of the blob. @throws WIRE_FRAME_INVALID for what no agent sends: ranges
 * that are empty, touch each other, lie outside of the blob, or are too many, or too many bytes
 */
export function readWant(payload: Uint8Array, length: number): Want {
  if (payload.length > MAX_BYTES) throw invalid()
  const value = dictionaryIn(payload)
  const priority = readPriorities.find((each) => isText(value['priority'], each))
  if (priority === undefined) throw invalid()
  return { priority, ranges: rangesIn(value, length) }
}

function dictionaryIn(payload: Uint8Array): BencodeDictionary {
  try {
    const value = decodeBencode(payload, { maxBytes: MAX_BYTES, maxDepth: 2 })
    if (isBencodeDictionary(value)) return value
  } catch {
    // As wrong as one of another kind.
  }
  throw invalid()
}

function isText(value: unknown, text: string): boolean {
  return (
    ArrayBuffer.isView(value) && Buffer.from(value.buffer, value.byteOffset, value.byteLength).equals(Buffer.from(text))
  )
}

function rangesIn({ ranges: numbers }: BencodeDictionary, length: number): readonly ByteRange[] {
  if (!Array.isArray(numbers) || numbers.length % 2 !== 0) throw invalid()
  if (numbers.length > 2 * swarmLimits.maxWantRanges) throw invalid()
  const ranges: ByteRange[] = []
  let last = -1
  let bytes = 0
  for (let at = 0; at < numbers.length; at += 2) {
    const [start, end] = [numbers[at], numbers[at + 1]] as [unknown, unknown]
    if (typeof start !== 'number' || typeof end !== 'number') throw invalid()
    const range = { start, end }
    bytes += rangeLength(range)
    if (start <= last || end <= start || end > length || bytes > swarmLimits.maxWantBytes) throw invalid()
    ranges.push(range)
    last = end
  }
  return ranges
}
