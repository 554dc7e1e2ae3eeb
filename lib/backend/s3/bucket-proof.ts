import type { AbortOptions, Clock } from '../../base/index.ts'

/** Tells an object that is not there from a bucket that is not there, which HEAD answers alike. */
export interface BucketProof {
  /** The bucket has just answered as one that exists. */
  seen(): void
  /** Asks the backend, if the bucket has not been seen for a while. @throws what `ask` throws */
  confirm(options: AbortOptions): Promise<void>
}

/** A bucket that was seen is taken to exist for this long. */
const PROOF_MS = 60_000

/** `ask` fails when the bucket does not exist. */
export function bucketProof(clock: Clock, ask: (options: AbortOptions) => Promise<void>): BucketProof {
  let seenMs: number | undefined
  const seen = () => {
    seenMs = clock.monotonicMs()
  }
  return {
    seen,
    async confirm(options) {
      if (seenMs !== undefined && clock.monotonicMs() - seenMs < PROOF_MS) return
      await ask(options)
      seen()
    },
  }
}
