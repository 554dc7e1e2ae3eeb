import type { Startable } from '../base/index.ts'
import type { NewTask, Task, TaskState } from './task.ts'

export interface TaskPage {
  /** In ascending order of the id. */
  readonly tasks: readonly Task[]
  /** Pass as `after` to go on; undefined at the end. */
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
  /** Records that could not be parsed; they are set aside, and nothing is done with them. */
  readonly unreadable: number
  /** Age of the oldest task that is not done, milliseconds; 0 without one. */
  readonly oldestMs: number
}

/**
 * Work that must be done although the process may end at any moment. Each task is tried, at least once to a good end
 * after each `add` of it has returned, by the executor of its kind; with waits in between while it fails, up to a limit
 * of tries; then it is dead: kept, listed, and not tried until somebody asks. Order is not promised. One process has
 * the journal's folder.
 *
 * What `add`, `retry` and `delete` have acknowledged survives kill -9 and a power loss. That a task was done may be
 * forgotten by a power loss, and then it is done again.
 */
export type Journal = JournalTasks & JournalLife

/** The tasks of a journal, for those who add them or look after them. */
export interface JournalTasks {
  /**
   * Returns once the task is durable. When there is one of that kind and key already it stays as it is, but a dead one
   * is tried again, and one that runs at this moment runs again after that.
   * @throws JOURNAL_FULL, JOURNAL_UNAVAILABLE, SHUTTING_DOWN unless it is open
   */
  add(task: NewTask): Promise<Task>
  get(id: string): Task | undefined
  list(query?: TaskQuery): TaskPage
  /** Makes it due now, with all its tries; one that runs is left alone. @throws TASK_UNKNOWN, JOURNAL_UNAVAILABLE */
  retry(id: string): Promise<Task>
  /** Removes a dead task, undone. @throws TASK_UNKNOWN, TASK_NOT_DEAD, JOURNAL_UNAVAILABLE */
  delete(id: string): Promise<void>
  counts(): JournalCounts
}

/** From when to when a journal has its folder, and its tasks run. */
export interface JournalLife extends Startable {
  /**
   * Reads what is there; from then on tasks can be added, and none runs before `start`, which opens it too. `stop`
   * aborts what runs, which then waits for the next start, and leaves it open.
   * @throws JOURNAL_IN_USE when another process has the folder, JOURNAL_UNAVAILABLE
   */
  open(): Promise<void>
  /** Stops and gives up the folder. Idempotent. */
  close(): Promise<void>
}
