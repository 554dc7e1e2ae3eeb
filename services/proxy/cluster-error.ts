import { appError, codeOf, type ErrorCode, hasCode, isAppError } from '../../lib/base/index.ts'

/** Permanent refusals of a backend, as the client gets them: it must not try again. */
const refusals: Partial<Record<string, { readonly code: ErrorCode; readonly message: string }>> = {
  UNSUPPORTED: { code: 'UNSUPPORTED', message: 'the backend behind this registry does not support this change' },
  BACKEND_READ_ONLY: { code: 'UNSUPPORTED', message: 'the backend behind this registry is read-only' },
  BACKEND_REFUSED: { code: 'UNSUPPORTED', message: 'the backend behind this registry refuses this request' },
  BACKEND_KEY_INVALID: { code: 'NAME_INVALID', message: 'the backend behind this registry does not accept this name' },
  BACKEND_DENIED: { code: 'DENIED', message: 'access to the backend behind this registry was denied' },
}

/**
 * Awaits an answer of the cluster behind the proxy. These errors pass on to the client: the `expected` codes, temporary
 * failures, a refused name, and a refusal of the backend. Any other error is a fault between our own services (a wrong
 * token, a wrong URL, a malformed answer); the client gets it as an outage, never as "not found", "log in" or "your
 * request is wrong".
 * @throws the code as it is, UNSUPPORTED, NAME_INVALID, DENIED, or UNAVAILABLE with the code in the detail
 */
export async function fromCluster<T>(answer: Promise<T>, ...expected: readonly ErrorCode[]): Promise<T> {
  try {
    return await answer
  } catch (err) {
    const passes = hasCode(err, 'NO_BACKEND_RULE', 'NAME_INVALID', 'NAME_UNKNOWN', ...expected)
    if (passes || (isAppError(err) && err.retryable)) throw err
    const behind = codeOf(err) ?? 'UNKNOWN'
    const refusal = refusals[behind]
    if (refusal === undefined) throw appError('UNAVAILABLE', { detail: { behind }, cause: err })
    const { code, message } = refusal
    throw appError(code, { message, ...(code === behind ? {} : { detail: { behind } }), cause: err })
  }
}
