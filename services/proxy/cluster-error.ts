import { appError, codeOf, type ErrorCode, hasCode, isAppError } from '../../lib/base/index.ts'

/**
 * Waits for an answer of the cluster behind the proxy. What a client may be told passes: `expected` codes, what may go
 * away by itself, and that the backend behind takes no such change. Anything else is between our own services (a wrong
 * token, a wrong URL, a malformed answer); to the client it is an outage and never "not found", "log in" or "your
 * request is wrong".
 * @throws the code as it is, UNSUPPORTED, or UNAVAILABLE with the code in the detail
 */
export async function fromCluster<T>(answer: Promise<T>, ...expected: readonly ErrorCode[]): Promise<T> {
  try {
    return await answer
  } catch (err) {
    if (hasCode(err, 'NO_BACKEND_RULE', ...expected) || (isAppError(err) && err.retryable)) throw err
    if (hasCode(err, 'UNSUPPORTED', 'BACKEND_READ_ONLY')) {
      throw appError('UNSUPPORTED', { message: 'the backend behind this registry takes no such change', cause: err })
    }
    throw appError('UNAVAILABLE', { detail: { behind: codeOf(err) ?? 'UNKNOWN' }, cause: err })
  }
}
