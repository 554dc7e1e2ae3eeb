/** `waiting`: due now or later; `running`: an executor has it; `dead`: given up, kept until somebody retries or deletes it. */
export type TaskState = 'waiting' | 'running' | 'dead'

/** What somebody wants done. */
export interface NewTask {
  /** Which executor does it. */
  readonly kind: string
  /** What it is about. At most one task of a kind has it. */
  readonly key: string
  /** Plain JSON; the executor parses it. */
  readonly payload: unknown
  /** Milliseconds from now until it is first tried. Default 0. */
  readonly delayMs?: number
}

/** One piece of work that outlives the process. */
export interface Task {
  /** Follows from kind and key; lower-case hex. */
  readonly id: string
  readonly kind: string
  readonly key: string
  readonly payload: unknown
  readonly state: TaskState
  /** Tries that have failed since it was added, or since somebody asked to retry it. */
  readonly attempts: number
  /** Milliseconds since the epoch before which it is not tried. */
  readonly dueAtMs: number
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number
  /** Code of the last failure. */
  readonly lastError: string | undefined
}

/**
 * Does the tasks of one kind. It may be called again for a task that it has done (at least once, never exactly once),
 * and runs for several tasks in parallel, but never twice at one time for one task. To resolve is to say that it is
 * done for good: only then is the task removed. An error that may pass (`retryable`, or one that is no AppError) brings
 * it back later, any other one makes the task dead at once.
 */
export interface Executor {
  run(task: Task, options: { readonly signal: AbortSignal }): Promise<void>
}
