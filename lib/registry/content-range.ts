import { appError } from '../base/index.ts'

/** The bytes that a chunk of an upload says it carries; both ends inclusive, as on the wire. */
export interface ChunkRange {
  readonly first: number
  readonly last: number
}

/**
 * The `Content-Range` of an upload's chunk: `0-99` as the distribution spec has it, or `bytes 0-99/*` as RFC 9110 has it.
 * @throws RANGE_INVALID when it is neither
 */
export function parseChunkRange(header: string): ChunkRange {
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\*|\d{1,15}))?$/.exec(header.trim())
  const first = Number(match?.[1])
  const last = Number(match?.[2])
  if (match === null || last < first) {
    throw appError('RANGE_INVALID', { message: 'the Content-Range of a chunk must read <first>-<last>' })
  }
  return { first, last }
}

/** The `Range` of an upload's answers: what has been received, or `0-0` when nothing has. */
export function receivedRange(size: number): string {
  return `0-${Math.max(0, size - 1)}`
}
