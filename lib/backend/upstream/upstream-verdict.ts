import { type AppError, appError, type BreakerVerdict, hasCode, isAppError } from '../../base/index.ts'

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

/** The error of a call to an upstream, or to one repository there, to which the way is broken. */
export function unreachable(
  registry: string,
  { cause, ...about }: { readonly retryAfterMs: number; readonly repository?: string; readonly cause?: unknown },
): AppError {
  return appError('UPSTREAM_UNREACHABLE', { detail: { registry, ...about }, cause })
}
