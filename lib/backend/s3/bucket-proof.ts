import type { AbortOptions, Clock } from '../../base/index.ts'

/** Tells a missing object from a missing bucket; a HEAD answers both in the same way. */
export interface BucketProof {
  /** Reports that the bucket has just answered, so it exists. */
  seen(): void
  /** Asks the backend, unless the bucket was seen a short time ago. @throws what `ask` throws */
  confirm(options: AbortOptions): Promise<void>
}

/** After it was seen, a bucket is assumed to exist for this long. */
const PROOF_MS = 60_000

/** `ask` must fail when the bucket does not exist. */
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
