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
          const time = spent(clock)
          try {
            return await governor.request(operation, (own) => time.of(() => work(own)), limit)
          } catch (err) {
            const isAnswer = !limit.expired && !(time.ms === 0 && hasCode(err, 'BACKEND_THROTTLED'))
            if (isAnswer) throw err
            throw time.ms < waitMs / 2 ? queued(err) : late(waitMs, err)
          } finally {
            limit.release()
          }
        },
        probe,
      }),
  }
}

/** How long the upstream itself has had for an answer, in all tries. */
function spent(clock: Clock) {
  let [ms, sinceMs]: [number, number | undefined] = [0, undefined]
  const now = () => ms + (sinceMs === undefined ? 0 : clock.monotonicMs() - sinceMs)
  return {
    get ms() {
      return now()
    },
    async of<T>(work: () => Promise<T>): Promise<T> {
      sinceMs = clock.monotonicMs()
      try {
        return await work()
      } finally {
        ;[ms, sinceMs] = [now(), undefined]
      }
    },
  }
}

/**
 * A refusal and even a request to slow down is an answer; a failure with a status is the upstream's own trouble. Of who has
 * waited for his turn here the upstream knows nothing: so nobody who asks for much makes it look broken, or whole.
 */
export function upstreamVerdict(err: unknown): BreakerVerdict {
  if (!isAppError(err) || hasCode(err, 'ABORTED') || err.detail?.['queued'] === true) return 'none'
  if (!hasCode(err, 'BACKEND_UNAVAILABLE')) return 'whole'
  return isSilence(err) ? 'broken' : 'doubt'
}

/**
 * Nobody has answered, or not in time. All other failures are of what was answered: a manifest that is too large, a blob
 * without a length or a redirect to nowhere, for which anybody can ask, says little of the way.
 */
const isSilence = ({ detail, cause }: AppError): boolean =>
  detail?.['answerMs'] !== undefined ||
  detail?.['waitMs'] !== undefined ||
  hasCode(cause, 'PEER_CLOSED', 'REQUEST_TIMEOUT', 'TLS_UNTRUSTED', 'STALLED')

/** The error of a call to an upstream to which the way is broken. */
export function unreachable(
  registry: string,
  { retryAfterMs, cause }: { readonly retryAfterMs: number; readonly cause?: unknown },
): AppError {
  return appError('UPSTREAM_UNREACHABLE', { detail: { registry, retryAfterMs }, cause })
}

function queued(cause: unknown): AppError {
  const message = 'too many requests wait for this upstream; try again later, or raise requests of its rule'
  return appError('BACKEND_THROTTLED', { message, detail: { ...detailOf(cause), queued: true }, cause })
}

const detailOf = (err: unknown) => (isAppError(err) ? err.detail : undefined)

function late(waitMs: number, cause: unknown): AppError {
  const message = 'the upstream did not answer in time'
  return appError('BACKEND_UNAVAILABLE', { message, detail: { waitMs }, cause })
}
