import type { BucketFlow, Clock, FairBucket } from '../../base/index.ts'
import { rateMeter } from '../picker/index.ts'

/** The upload limit of a node, and what of it is left. */
export interface MeteredUploads extends FairBucket {
  /** The limit less what was sent lately, in bytes per second; undefined without a limit. */
  readonly spareBytesPerSecond: number | undefined
}

/** Silence for so long means that nothing is sent. */
const IDLE_MS = 2_000

export function meteredUploads(
  clock: Pick<Clock, 'monotonicMs'>,
  bucket: FairBucket,
  first: number | undefined,
): MeteredUploads {
  let bytesPerSecond = first
  const meter = rateMeter()
  let lastMs = Number.NEGATIVE_INFINITY
  const sent = (bytes: number) => {
    const nowMs = clock.monotonicMs()
    if (nowMs - lastMs > IDLE_MS) meter.begin(nowMs)
    meter.add(bytes, nowMs)
    lastMs = nowMs
  }
  const metered = (flow: BucketFlow): BucketFlow => ({
    async take(tokens, options) {
      await flow.take(tokens, options)
      if (bytesPerSecond !== undefined) sent(tokens)
    },
    weigh: (weight) => flow.weigh(weight),
    get available() {
      return flow.available
    },
  })
  return {
    flow: (init) => metered(bucket.flow(init)),
    setRate(rate) {
      bytesPerSecond = rate
      bucket.setRate(rate)
    },
    get available() {
      return bucket.available
    },
    get spareBytesPerSecond() {
      if (bytesPerSecond === undefined) return undefined
      const used = clock.monotonicMs() - lastMs > IDLE_MS ? 0 : (meter.bytesPerSecond ?? 0)
      return Math.max(0, Math.round(bytesPerSecond - used))
    },
  }
}
