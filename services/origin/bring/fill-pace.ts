import { type AbortOptions, abortable, type Clock, deferred, fairBucket } from '../../../lib/base/index.ts'

/** How what nobody asked for is read; all blobs that an origin brings share one. */
export interface FillPace {
  /** It is read at all. */
  readonly fills: boolean
  /** It is read no faster than at a rate, or not at all. */
  readonly isLimited: boolean
  /** Waits until so many bytes may be read: while nothing is, for ever. @throws ABORTED */
  take(bytes: number, options: AbortOptions): Promise<void>
  /** So many bytes came that nobody had asked for. */
  readonly onFilled: (bytes: number) => void
  /** As `bytesPerSecond` at the start, from now on. */
  setRate(bytesPerSecond: number | undefined): void
}

export interface FillPaceInit {
  /** 0: nothing is read that nobody asked for; undefined: as fast as it comes. */
  readonly bytesPerSecond: number | undefined
  readonly onFilled: (bytes: number) => void
}

export function fillPace(clock: Clock, init: FillPaceInit): FillPace {
  let rate = init.bytesPerSecond
  const ofBucket = () => (rate === 0 ? undefined : rate)
  const bucket = fairBucket(clock, { ratePerSecond: ofBucket() })
  const flow = bucket.flow()
  let changed = deferred()
  return {
    get fills() {
      return rate !== 0
    },
    get isLimited() {
      return rate !== undefined
    },
    onFilled: init.onFilled,
    async take(bytes, { signal }) {
      while (rate === 0) await abortable(changed.promise, signal)
      await flow.take(bytes, { signal })
    },
    setRate(bytesPerSecond) {
      rate = bytesPerSecond
      bucket.setRate(ofBucket())
      changed.resolve()
      changed = deferred()
    },
  }
}
