import { appError } from '../base/index.ts'
import { type ByteRange, wholeRange } from '../core/index.ts'

/** The range to read from an object of `size` bytes. @throws RANGE_UNSATISFIABLE */
export function rangeWithin(range: ByteRange | undefined, size: number): ByteRange {
  if (range === undefined) return wholeRange(size)
  if (range.start < 0 || range.start > range.end || range.end > size) {
    throw appError('RANGE_UNSATISFIABLE', { detail: { start: range.start, end: range.end, size } })
  }
  return range
}
