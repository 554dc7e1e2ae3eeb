import { type ErrorCode, errorTable } from './error-codes.ts'

export interface AppErrorInit {
  /** Replaces the message of the error table by a more specific one. */
  readonly message?: string
  /** Structured facts for logs and for the `detail` of an answer; no secrets. */
  readonly detail?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** The only error class of the project; errors are told apart by `code`, never by `instanceof`. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly retryable: boolean
  readonly detail: Readonly<Record<string, unknown>> | undefined

  constructor(code: ErrorCode, init: AppErrorInit = {}) {
    const policy = errorTable[code]
    super(init.message ?? policy.message, init.cause === undefined ? undefined : { cause: init.cause })
    this.name = 'AppError'
    this.code = code
    this.status = policy.status
    this.retryable = policy.retryable
    this.detail = init.detail
  }
}

/** Makes an error from the code table. */
export function appError(code: ErrorCode, init: AppErrorInit = {}): AppError {
  return new AppError(code, init)
}

/** The `code` of anything thrown: an AppError's, a Node system error's (`ENOENT`), or undefined. */
export function codeOf(err: unknown): string | undefined {
  if (typeof err !== 'object' || err === null || !('code' in err)) return undefined
  return typeof err.code === 'string' ? err.code : undefined
}

/** True when `err` carries one of `codes`. */
export function hasCode(err: unknown, ...codes: readonly string[]): boolean {
  const code = codeOf(err)
  return code !== undefined && codes.includes(code)
}

/** Checks that the code is in the error table, which also works across realms (Jest) and module copies. */
export function isAppError(err: unknown): err is AppError {
  const code = codeOf(err)
  return code !== undefined && code in errorTable && typeof err === 'object' && err !== null && 'retryable' in err
}

/** True for an abort in any of its shapes: our ABORTED, a DOMException, undici's. */
export function isAbort(err: unknown): boolean {
  if (hasCode(err, 'ABORTED', 'ABORT_ERR', 'UND_ERR_ABORTED')) return true
  return typeof err === 'object' && err !== null && 'name' in err && err.name === 'AbortError'
}

/** True when the process, or the system, may open no further file: this says nothing about what was to be opened. */
export const lacksFiles = (err: unknown): boolean => hasCode(err, 'EMFILE', 'ENFILE', 'FILES_EXHAUSTED')

/**
 * Passes an AppError through; wraps anything else under `code`, keeping it as the cause. A lack of open files is never
 * called by another name.
 */
export function toAppError(err: unknown, code: ErrorCode = 'UNKNOWN'): AppError {
  if (isAppError(err)) return err
  if (lacksFiles(err)) return appError('FILES_EXHAUSTED', { cause: err })
  return appError(isAbort(err) ? 'ABORTED' : code, { cause: err })
}
