import {
  type AbortOptions,
  type AppError,
  appError,
  codeOf,
  hasCode,
  isAbort,
  isAppError,
  throwIfAborted,
} from '../base/index.ts'
import type { Cluster, Member } from './cluster.ts'

/** How one member failed before the next one was asked. */
export interface FailedTry {
  readonly member: Member
  readonly err: unknown
}

export interface TryEachOptions extends AbortOptions {
  /** Tries that failed earlier: their members are not asked again, and the final error includes them. */
  readonly after?: readonly FailedTry[]
  /**
   * True when one member's error settles the matter and no other member is asked. Default: errors that are not
   * retryable, except errors about the member itself.
   */
  readonly isDefinite?: (err: unknown) => boolean
}

/**
 * Calls the members of `key` one by one, healthy ones first, until one gives a result or a definite error. Reports each
 * outcome to the cluster.
 * @throws the definite error; the error on which all members that answered agree; ABORTED when the signal fires; else
 * NO_HEALTHY_MEMBER, with the last error as its cause and each member's code in its detail
 */
export async function tryEach<T>(
  cluster: Cluster,
  key: string,
  call: (member: Member) => Promise<T>,
  options: TryEachOptions = {},
): Promise<T> {
  const isDefinite = options.isDefinite ?? isDefiniteByDefault
  const tries = [...(options.after ?? [])]
  for (const member of cluster.candidates(key)) {
    if (options.after?.some((failed) => failed.member.id === member.id) === true) continue
    throwIfAborted(options.signal)
    try {
      const result = await call(member)
      cluster.report(member.id, 'ok')
      return result
    } catch (err) {
      if (isAbort(err) && options.signal?.aborted === true) throw err
      reportFailure(cluster, member, err)
      if (isDefinite(err)) throw err
      tries.push({ member, err })
    }
  }
  throw usedUp(tries)
}

const ownTroubles = [
  ...['PEER_CLOSED', 'TLS_UNTRUSTED', 'REQUEST_TIMEOUT', 'STALLED'],
  ...['SHUTTING_DOWN', 'UNAVAILABLE', 'UNKNOWN', 'ABORTED'],
]

/** True when the error shows that the member itself is in trouble, and is not just an unwelcome answer. */
export function isMemberFailure(err: unknown): boolean {
  return !isAppError(err) || hasCode(err, ...ownTroubles)
}

/**
 * Reports to the cluster that a call to `member` threw `err`. A call that was cancelled says nothing about the member; one
 * that was refused because too much is under way was answered.
 */
export function reportFailure(cluster: Cluster, member: Member, err: unknown): void {
  if (isAbort(err)) return
  cluster.report(member.id, isMemberFailure(err) ? 'failed' : 'ok')
}

/** The error to throw when every candidate has failed; see `tryEach`. */
export function usedUp(tries: readonly FailedTry[]): AppError {
  const answers = tries.flatMap(({ err }) => (isAppError(err) && isAnswer(err) ? [err] : []))
  const [answer] = answers
  if (answer !== undefined && answers.every(({ code }) => code === answer.code)) return answer
  if (tries.length === 0) return appError('NO_HEALTHY_MEMBER', { message: 'no member of the cluster is known yet' })
  const steps = tries.map(({ member, err }) => ({ member: member.id, code: codeOf(err) ?? 'UNKNOWN' }))
  return appError('NO_HEALTHY_MEMBER', { detail: { steps }, cause: tries.at(-1)?.err })
}

/** True for an error that says something about the requested object. */
function isAnswer(err: AppError): boolean {
  return !isMemberFailure(err) && err.code !== 'NOT_OWNER'
}

/** To an upstream all members go the same way. */
function isDefiniteByDefault(err: unknown): boolean {
  return hasCode(err, 'UPSTREAM_UNREACHABLE') || (isAppError(err) && !err.retryable && isAnswer(err))
}
