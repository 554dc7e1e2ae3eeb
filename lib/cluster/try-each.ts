import { type AbortOptions, appError, hasCode, isAbort, isAppError, throwIfAborted } from '../base/index.ts'
import type { Cluster, Member } from './cluster.ts'

export interface TryEachOptions extends AbortOptions {
  /**
   * True when this error of one member is the answer and no other member need be asked. Default: an error that is not
   * retryable, except the ones that are about the member itself.
   */
  readonly isDefinite?: (err: unknown) => boolean
}

/** What one member answered before the next one was asked; stands in the `detail` of NO_HEALTHY_MEMBER. */
export interface FailedStep {
  readonly member: string
  readonly code: string
}

/**
 * Calls the members of `key` one after the other, healthy ones first, until one gives a result or a definite error,
 * and reports to the cluster how each did.
 * @throws the definite error; the error on which all members agree, when all of them answered; ABORTED when the
 *   signal fires; else NO_HEALTHY_MEMBER with the last error as its cause and all steps in its detail
 */
export async function tryEach<T>(
  cluster: Cluster,
  key: string,
  call: (member: Member) => Promise<T>,
  options: TryEachOptions = {},
): Promise<T> {
  const isDefinite = options.isDefinite ?? isDefiniteByDefault
  const steps: FailedStep[] = []
  let last: unknown
  for (const member of cluster.candidates(key)) {
    throwIfAborted(options.signal)
    try {
      const result = await call(member)
      cluster.report(member.id, 'ok')
      return result
    } catch (err) {
      if (isAbort(err) && options.signal?.aborted === true) throw err
      reportFailure(cluster, member, err)
      if (isDefinite(err)) throw err
      steps.push({ member: member.id, code: isAppError(err) ? err.code : 'UNKNOWN' })
      last = err
    }
  }
  throw usedUp(steps, last)
}

/** True when the error says that the member itself is in trouble, and not that it gave an answer we dislike. */
export function isMemberFailure(err: unknown): boolean {
  return (
    !isAppError(err) ||
    hasCode(err, 'PEER_CLOSED', 'REQUEST_TIMEOUT', 'STALLED', 'SHUTTING_DOWN', 'UNAVAILABLE', 'UNKNOWN', 'ABORTED')
  )
}

/** Tells the cluster how a call to `member` that threw `err` went. */
export function reportFailure(cluster: Cluster, member: Member, err: unknown): void {
  cluster.report(member.id, isMemberFailure(err) ? 'failed' : 'ok')
}

/** The error of a list of candidates that is used up; `last` is what the last of them threw. */
export function usedUp(steps: readonly FailedStep[], last: unknown): unknown {
  const agreed = steps.every(({ code }) => code === steps[0]?.code)
  if (steps.length > 0 && agreed && !isMemberFailure(last)) return last
  return appError('NO_HEALTHY_MEMBER', { detail: { steps }, cause: last })
}

function isDefiniteByDefault(err: unknown): boolean {
  return isAppError(err) && !err.retryable && !isMemberFailure(err) && err.code !== 'NOT_OWNER'
}
