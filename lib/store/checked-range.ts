import { appError } from '../base/index.ts'
import type { ByteRange } from '../core/index.ts'

/** @throws RANGE_UNSATISFIABLE when the range does not lie within `size` bytes. */
export function checkedRange(range: ByteRange, size: number): ByteRange {
  const { start, end } = range
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end)
  if (whole && start >= 0 && start <= end && end <= size) return range
  throw appError('RANGE_UNSATISFIABLE', { detail: { start, end, size } })
}
