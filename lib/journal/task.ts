/**
 * `waiting`: due now or later; `running`: an executor works on it; `dead`: given up, kept until somebody retries or
 * deletes it.
 */
export type TaskState = 'waiting' | 'running' | 'dead'

/** A task to be added. */
export interface NewTask {
  /** Decides which executor does the task. */
  readonly kind: string
  /** The object of the task. There is at most one task for each kind and key. */
  readonly key: string
  /** Plain JSON; the executor parses it. */
  readonly payload: unknown
  /** Milliseconds from now until the first try. Default 0. */
  readonly delayMs?: number
  /** It runs only when no other task of its group is due. A task that is added again without it is no longer such a one. */
  readonly background?: boolean
}

/** One piece of work that survives the end of the process. */
export interface Task {
  /** Derived from kind and key; lower-case hex. */
  readonly id: string
  readonly kind: string
  readonly key: string
  readonly payload: unknown
  readonly state: TaskState
  /** Number of failed tries since the task was added or a retry was requested. */
  readonly attempts: number
  /** Not tried before this time, milliseconds since the epoch. */
  readonly dueAtMs: number
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number
  /** Code of the last failure. */
  readonly lastError: string | undefined
  /** It runs only when no other task of its group is due. */
  readonly background?: true
}

/**
 * Does the tasks of one kind. It may be called again for a task that it has already done (at least once, not exactly
 * once). It runs in parallel for several tasks, but never twice at the same time for one task. When it resolves, the
 * task is done and is removed. A temporary error (`retryable`, or not an AppError) leads to another try; any other
 * error makes the task dead at once.
 */
export interface Executor {
  run(task: Task, options: RunOptions): Promise<void>
}

export interface RunOptions {
  readonly signal: AbortSignal
  /**
   * The task is not done when this run resolves, but runs again from that time on (milliseconds since the epoch); this
   * is no failure.
   */
  readonly postpone: (dueAtMs: number) => void
}
