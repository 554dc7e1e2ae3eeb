import {
  type AppError,
  appError,
  type Breaker,
  type BreakerVerdict,
  type Clock,
  deadline,
  hasCode,
  isAppError,
} from '../../base/index.ts'
import type { Governor } from '../governor.ts'

export interface GuardedGovernorComponents {
  readonly governor: Governor
  readonly breaker: Breaker
  readonly clock: Clock
}

export interface GuardedGovernorInit {
  /** The name of the upstream. */
  readonly registry: string
  /** Longest time until an answer begins, in milliseconds, with all its tries. */
  readonly waitMs: number
  /** Any request that the upstream answers. */
  readonly probe: () => Promise<unknown>
}

/**
 * The governor of one upstream, which fails at once while the way there is broken. @throws (request) UPSTREAM_UNREACHABLE,
 * besides what a governor throws
 */
export function guardedGovernor(
  { governor, breaker, clock }: GuardedGovernorComponents,
  { registry, waitMs, probe }: GuardedGovernorInit,
): Governor {
  return {
    ...governor,
    request: (operation, work, { signal } = {}) =>
      breaker.run(registry, {
        async work() {
          const limit = deadline(clock, waitMs, signal)
          try {
            return await governor.request(operation, work, limit)
          } catch (err) {
            throw limit.expired ? late(waitMs, err) : err
          } finally {
            limit.release()
          }
        },
        probe,
      }),
  }
}

/** A refusal and even a request to slow down is an answer; a failure with a status is the upstream's own trouble. */
export function upstreamVerdict(err: unknown): BreakerVerdict {
  if (!isAppError(err) || hasCode(err, 'ABORTED')) return 'none'
  if (!hasCode(err, 'BACKEND_UNAVAILABLE')) return 'whole'
  return err.detail?.['status'] === undefined ? 'broken' : 'doubt'
}

/** The error of a call to an upstream to which the way is broken. */
export function unreachable(
  registry: string,
  { retryAfterMs, cause }: { readonly retryAfterMs: number; readonly cause?: unknown },
): AppError {
  return appError('UPSTREAM_UNREACHABLE', { detail: { registry, retryAfterMs }, cause })
}

function late(waitMs: number, cause: unknown): AppError {
  const message = 'the upstream did not answer in time'
  return appError('BACKEND_UNAVAILABLE', { message, detail: { waitMs }, cause })
}
