import { type AbortOptions, abortController, WAITS_OF_LIFE } from '../../../lib/base/index.ts'

/** How the followers change while the service runs. The maps of followers always hold those of now. */
export interface FollowerChanges {
  /** Fires with the next change: with that of a rule, too. Another one is here afterwards. */
  readonly next: AbortSignal
  /** Whether a manager gave a remote of this name once, and does not any more. */
  isGone(name: string): boolean
  /**
   * Returns when all remotes are known here that were given up to ten seconds ago: at once, as long as the looks at the
   * backend succeed. @throws BACKEND_UNAVAILABLE, ABORTED
   */
  fresh(options?: AbortOptions): Promise<void>
  /** Returns when all remotes are known here that were given before the call. @throws BACKEND_UNAVAILABLE, ABORTED */
  look(options?: AbortOptions): Promise<void>
}

/** Where the config alone names followers. */
export const noChanges = (): FollowerChanges => ({
  next: abortController(WAITS_OF_LIFE).signal,
  isGone: () => false,
  fresh: () => Promise.resolve(),
  look: () => Promise.resolve(),
})
