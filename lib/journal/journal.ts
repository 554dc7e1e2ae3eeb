import type { Startable } from '../base/index.ts'
import type { NewTask, Task, TaskState } from './task.ts'

export interface TaskPage {
  /** In ascending order of the id. */
  readonly tasks: readonly Task[]
  /** Pass it as `after` to get the next page; undefined on the last page. */
  readonly next: string | undefined
}

export interface TaskQuery {
  /** Default: all. */
  readonly state?: TaskState
  /** Only ids after this one. */
  readonly after?: string
  /** Default and maximum 1000. */
  readonly limit?: number
}

export interface JournalCounts extends Readonly<Record<TaskState, number>> {
  /** Number of records that could not be parsed; they are kept aside and ignored. */
  readonly unreadable: number
  /** Age in milliseconds of the oldest task that is not done; 0 when there is none. */
  readonly oldestMs: number
}

/**
 * Tasks that must be done although the process may end at any moment. After `add` has returned, the executor of the
 * task's kind runs the task until one run succeeds. Failed runs are repeated after waits, up to a limit; then the task
 * is dead: it is kept and listed, but not run until somebody asks for a retry. The order of tasks is not defined. Only
 * one process uses the journal's folder.
 *
 * What `add`, `retry` and `delete` have confirmed survives kill -9 and a power loss. A power loss may undo the record
 * that a task is done; then the task runs again.
 */
export type Journal = JournalTasks & JournalLife

/** The tasks of a journal, for callers that add or manage them. */
export interface JournalTasks {
  /**
   * Returns when the task is durable. An existing task with the same kind and key stays unchanged, but a dead one is
   * tried again, and a running one runs once more afterwards.
   * @throws JOURNAL_FULL, JOURNAL_UNAVAILABLE, SHUTTING_DOWN unless the journal is open
   */
  add(task: NewTask): Promise<Task>
  get(id: string): Task | undefined
  /** The task of that kind about that object. */
  find(kind: string, key: string): Task | undefined
  list(query?: TaskQuery): TaskPage
  /**
   * Makes the task due now and resets its tries; does not change a running task. @throws TASK_UNKNOWN,
   * JOURNAL_UNAVAILABLE
   */
  retry(id: string): Promise<Task>
  /** Removes a dead task without doing it. @throws TASK_UNKNOWN, TASK_NOT_DEAD, JOURNAL_UNAVAILABLE */
  delete(id: string): Promise<void>
  counts(): JournalCounts
}

/** When a journal holds its folder, and when its tasks run. */
export interface JournalLife extends Startable {
  /**
   * Reads the existing tasks. After this, tasks can be added, but they run only after `start`, which also opens the
   * journal. `stop` aborts the running tasks, which then wait for the next start; the journal stays open.
   * @throws JOURNAL_IN_USE when another process uses the folder, JOURNAL_UNAVAILABLE
   */
  open(): Promise<void>
  /** Stops and releases the folder. Idempotent. */
  close(): Promise<void>
}
