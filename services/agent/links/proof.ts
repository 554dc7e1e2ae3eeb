import type { Clock } from '../../../lib/base/index.ts'
import { type Digest, type Repository, repositoryText } from '../../../lib/core/index.ts'

/** That a repository links a blob or manifest, and when the build-index was asked for it. */
export interface Proof {
  /** By the monotonic clock of this process. */
  readonly askedMs: number
  /** By the wall clock, which outlives the process. */
  readonly askedAtMs: number
}

/** As if the build-index were asked now. */
export const proofNow = (clock: Pick<Clock, 'now' | 'monotonicMs'>): Proof => ({
  askedMs: clock.monotonicMs(),
  askedAtMs: clock.now(),
})

/** A repository may have the bytes of a manifest as a manifest, as a blob, or as both. */
export type LinkKind = 'blob' | 'manifest'

/** A link as a key of maps. */
export const linkKey = (kind: LinkKind, repository: Repository, digest: Digest): string =>
  `${kind} ${repositoryText(repository)} ${digest}`

/** A clock that was set back or forward in between makes a proof neither younger nor last longer. */
export const isWithin = (clock: Pick<Clock, 'now'>, askedAtMs: number, ttlMs: number): boolean =>
  Math.abs(clock.now() - askedAtMs) < ttlMs
