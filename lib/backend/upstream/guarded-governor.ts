import { type AppError, appError, type Clock, deadline, hasCode, isAbort, isAppError } from '../../base/index.ts'
import type { RepositoryName } from '../../core/index.ts'
import type { Governor } from '../governor.ts'
import type { UpstreamWays } from './upstream-ways.ts'

export interface GuardedGovernorComponents {
  readonly governor: Governor
  readonly ways: Pick<UpstreamWays, 'run'>
}

/**
 * The governor of one repository of an upstream, which fails at once while the way there is broken. @throws (request)
 * UPSTREAM_UNREACHABLE, besides what a governor throws
 */
export function guardedGovernor({ governor, ways }: GuardedGovernorComponents, repository: RepositoryName): Governor {
  return {
    ...governor,
    request: (operation, work, options = {}) => ways.run(repository, () => governor.request(operation, work, options)),
  }
}

/**
 * The governor, whose requests take `waitMs` at most, with all their tries. @throws (request) BACKEND_UNAVAILABLE with
 * `waitMs` in its detail when the upstream has had its time, BACKEND_THROTTLED with `queued` when it has not
 */
export function boundedGovernor(governor: Governor, clock: Clock, waitMs: number): Governor {
  return {
    ...governor,
    async request(operation, work, { signal, urgency } = {}) {
      const limit = deadline(clock, waitMs, signal)
      const time = spent(clock)
      try {
        return await governor.request(operation, (own) => time.of(() => work(own)), { signal: limit.signal, urgency })
      } catch (err) {
        const isAnswer = !limit.expired && !(time.ms === 0 && hasCode(err, 'BACKEND_THROTTLED'))
        if (isAnswer) throw err
        if (time.failure !== undefined) throw time.failure
        throw time.ms < waitMs / 2 ? queued(err) : late(waitMs, err)
      } finally {
        limit.release()
      }
    },
  }
}

/** How long the upstream itself has had for an answer, in all tries, and how the last one that ended has failed. */
function spent(clock: Clock) {
  let failure: AppError | undefined
  let [ms, sinceMs]: [number, number | undefined] = [0, undefined]
  const now = () => ms + (sinceMs === undefined ? 0 : clock.monotonicMs() - sinceMs)
  return {
    get ms() {
      return now()
    },
    get failure() {
      return failure
    },
    async of<T>(work: () => Promise<T>): Promise<T> {
      sinceMs = clock.monotonicMs()
      try {
        return await work()
      } catch (err) {
        if (isAppError(err) && !isAbort(err)) failure = err
        throw err
      } finally {
        ;[ms, sinceMs] = [now(), undefined]
      }
    },
  }
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
