import { type AbortOptions, abortable, type Clock, deferred, tokenBucket } from '../../../lib/base/index.ts'

/** How what nobody asked for is read; all blobs that an origin brings share one. */
export interface FillPace {
  /** It is read at all. */
  readonly fills: boolean
  /** It is read no faster than at a rate, or not at all. */
  readonly isLimited: boolean
  /** Waits until so many bytes may be read. @throws ABORTED, and never returns when nothing is read */
  take(bytes: number, options: AbortOptions): Promise<void>
  /** So many bytes came that nobody had asked for. */
  readonly onFilled: (bytes: number) => void
}

export interface FillPaceInit {
  /** 0: nothing is read that nobody asked for; undefined: as fast as it comes. */
  readonly bytesPerSecond: number | undefined
  readonly onFilled: (bytes: number) => void
}

export function fillPace(clock: Clock, { bytesPerSecond, onFilled }: FillPaceInit): FillPace {
  const isLimited = bytesPerSecond !== undefined
  const fills = bytesPerSecond !== 0
  const bucket = tokenBucket(clock, { ratePerSecond: fills ? bytesPerSecond : undefined })
  return {
    ...{ fills, isLimited, onFilled },
    take: (bytes, { signal }) => (fills ? bucket.take(bytes, { signal }) : abortable(deferred().promise, signal)),
  }
}
