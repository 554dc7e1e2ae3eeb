/** What an error code tells clients, and callers that may retry. */
export interface ErrorPolicy {
  /** HTTP status of an answer with this code. */
  readonly status: number
  /** One sentence: what went wrong, and what to do. */
  readonly message: string
  /** Whether the same call, unchanged, may succeed later. */
  readonly retryable: boolean
}

/** The same call fails again. */
export const final = (status: number, message: string): ErrorPolicy => ({ status, message, retryable: false })
/** The same call may succeed later. */
export const retryable = (status: number, message: string): ErrorPolicy => ({ status, message, retryable: true })
