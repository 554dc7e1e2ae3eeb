import { appError, type KeyedLock, keyedLock } from '../base/index.ts'
import type { JournalCounts, TaskPage, TaskQuery } from './journal.ts'
import type { JournalStorage, StorageChange, StorageRecord } from './journal-storage.ts'
import type { NewTask, Task, TaskState } from './task.ts'
import { decodeTask, encodeTask, recordKeys, taskId } from './task-record.ts'

const MAX_PAGE = 1000

export interface TaskTableComponents {
  readonly storage: JournalStorage
  readonly now: () => number
  /** Called for each record that is not a valid task, after the record was set aside. */
  readonly onUnreadable: (recordKey: string, bytes: number) => void
  /**
   * Called for each task before the task is durable or, for loaded tasks, before `load` returns; the result is called
   * when the task is gone.
   */
  readonly hold: (task: Task) => () => void
  /** Called whenever one of the numbers changes. */
  readonly onCount: (state: TaskState | 'unreadable', count: number) => void
}

/** How many dead tasks are kept beside the others. */
export interface DeadBound {
  readonly most: number
  /** Called for each one that was removed because there are more: the one that last ran the longest ago. */
  readonly onForgotten: (task: Task) => void
}

export interface TaskTableInit {
  readonly maxTasks: number
  /** Without it dead tasks count as the others do, and all are kept. */
  readonly dead?: DeadBound | undefined
}

interface Entry {
  task: Task
  /** True when the task was added again while it ran. */
  again: boolean
  readonly release: () => void
}

/** Describes a run that failed: the task is tried again from `dueAtMs` on; without `dueAtMs` it is dead. */
export interface Failure {
  readonly code: string
  readonly dueAtMs: number | undefined
}

/**
 * The tasks of a journal, in memory and in the storage. Changes of one task are made one after the other, and the
 * storage is changed first. So the memory is never ahead of what a restart would find, except for the running state,
 * which is not stored.
 */
export class TaskTable {
  readonly #components: TaskTableComponents
  readonly #init: TaskTableInit
  readonly #locks: KeyedLock = keyedLock()
  readonly #entries = new Map<string, Entry>()
  readonly #numbers: Record<TaskState | 'unreadable', number> = { waiting: 0, running: 0, dead: 0, unreadable: 0 }
  #arriving = 0

  constructor(components: TaskTableComponents, init: TaskTableInit) {
    this.#components = components
    this.#init = init
  }

  /** Loads the tasks from the storage; sets invalid records aside. */
  async load(): Promise<void> {
    const { storage, hold, onUnreadable } = this.#components
    const strange: StorageRecord[] = []
    for await (const record of storage.records()) {
      const task = decodeTask(record.key, record.value)
      if (task !== undefined) this.#put({ task, again: false, release: hold(task) })
      else if (recordKeys.isAside(record.key)) this.#count('unreadable', 1)
      else strange.push(record)
    }
    for (const { key, value } of strange) {
      const changes = [
        { key: recordKeys.aside(key), value },
        { key, value: undefined },
      ]
      await storage.write(changes, { sync: true })
      this.#count('unreadable', 1)
      onUnreadable(key, value.byteLength)
    }
  }

  /** Empties the table without changing the storage. */
  clear(): void {
    for (const { release } of this.#entries.values()) release()
    this.#entries.clear()
    for (const state of ['waiting', 'running', 'dead', 'unreadable'] as const) this.#count(state, -this.#numbers[state])
  }

  add({ kind, key, payload, delayMs = 0, background = false }: NewTask): Promise<Task> {
    const id = taskId(kind, key)
    return this.#locks.run(id, async () => {
      const existing = this.#entries.get(id)
      if (existing !== undefined && existing.task.state !== 'dead') {
        existing.again ||= existing.task.state === 'running'
        const { background: wasLast, ...task } = existing.task
        if (background || wasLast === undefined) return existing.task
        await this.#write([{ key: recordKeys.task(id), value: encodeTask(task) }], true)
        existing.task = { ...task, state: existing.task.state }
        return existing.task
      }
      const now = this.#components.now()
      const fresh = { id, kind, key, payload, attempts: 0, dueAtMs: now + delayMs, lastError: undefined }
      const createdAtMs = existing?.task.createdAtMs ?? now
      return this.#arrive({ ...fresh, state: 'waiting', createdAtMs, ...(background && { background }) })
    })
  }

  get(id: string): Task | undefined {
    return this.#entries.get(id)?.task
  }

  /** All tasks, in no particular order. */
  *all(): Iterable<Task> {
    for (const { task } of this.#entries.values()) yield task
  }

  list({ state, after = '', limit = MAX_PAGE }: TaskQuery): TaskPage {
    const found = [...this.all()]
      .filter((task) => task.id > after && (state === undefined || task.state === state))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
    const tasks = found.slice(0, Math.min(limit, MAX_PAGE))
    return { tasks, next: tasks.length < found.length ? tasks.at(-1)?.id : undefined }
  }

  counts(): JournalCounts {
    const now = this.#components.now()
    let oldest = now
    for (const { createdAtMs } of this.all()) oldest = Math.min(oldest, createdAtMs)
    return { ...this.#numbers, oldestMs: now - oldest }
  }

  /** Marks a waiting task as running; undefined when the task is not waiting. */
  begin(id: string): Task | undefined {
    const entry = this.#entries.get(id)
    if (entry?.task.state !== 'waiting') return undefined
    entry.again = false
    this.#set(entry, { state: 'running' })
    return entry.task
  }

  /** A running task is done: it is removed, or waits to run again. */
  done(id: string): Promise<Task | undefined> {
    return this.#change(id, 'running', async (entry) => {
      if (entry.again) return this.#save(entry, this.#afresh(entry))
      await this.#write([{ key: recordKeys.task(id), value: undefined }], false)
      this.#drop(entry)
      return undefined
    })
  }

  /** A running task is to run again from that time on. */
  postponed(id: string, dueAtMs: number): Promise<Task | undefined> {
    return this.#change(id, 'running', (entry) =>
      this.#save(entry, entry.again ? this.#afresh(entry) : { state: 'waiting', dueAtMs }),
    )
  }

  /** The run of a task failed. */
  async failed(id: string, { code, dueAtMs }: Failure): Promise<Task | undefined> {
    const task = await this.#change(id, 'running', (entry) => {
      if (entry.again) return this.#save(entry, { ...this.#afresh(entry), lastError: code })
      const tried = { attempts: entry.task.attempts + 1, lastError: code }
      const changed: Partial<Task> =
        dueAtMs === undefined ? { ...tried, state: 'dead' } : { ...tried, state: 'waiting', dueAtMs }
      return this.#save(entry, changed)
    })
    if (task?.state === 'dead') await this.#forgetDead()
    return task
  }

  /** The run of a task was aborted; the task may run again from `dueAtMs` on. Nothing is written to the storage. */
  leave(id: string, dueAtMs: number): Task | undefined {
    const entry = this.#entries.get(id)
    if (entry?.task.state === 'running') this.#set(entry, { state: 'waiting', dueAtMs })
    return entry?.task
  }

  /** @throws TASK_UNKNOWN */
  async retry(id: string): Promise<Task> {
    const task = await this.#change(id, undefined, (entry) =>
      entry.task.state === 'running' ? Promise.resolve(entry.task) : this.#save(entry, this.#afresh(entry), true),
    )
    if (task === undefined) throw unknown(id)
    return task
  }

  /** @throws TASK_UNKNOWN, TASK_NOT_DEAD */
  async delete(id: string): Promise<void> {
    const task = await this.#change(id, undefined, async (entry) => {
      if (entry.task.state !== 'dead') throw appError('TASK_NOT_DEAD', { detail: { id, state: entry.task.state } })
      await this.#write([{ key: recordKeys.task(id), value: undefined }], true)
      this.#drop(entry)
      return entry.task
    })
    if (task === undefined) throw unknown(id)
  }

  /**
   * Runs `work` on the task when earlier changes of it are finished; undefined when the task is missing or in another
   * state.
   */
  #change(
    id: string,
    state: TaskState | undefined,
    work: (entry: Entry) => Promise<Task | undefined>,
  ): Promise<Task | undefined> {
    return this.#locks.run(id, async () => {
      const entry = this.#entries.get(id)
      return entry === undefined || (state !== undefined && entry.task.state !== state) ? undefined : work(entry)
    })
  }

  async #arrive(task: Task): Promise<Task> {
    const before = this.#entries.get(task.id)
    const { maxTasks, dead } = this.#init
    const kept = this.#entries.size - (dead === undefined ? 0 : this.#numbers.dead)
    const isMore = before === undefined || dead !== undefined
    if (isMore && kept + this.#arriving >= maxTasks) throw appError('JOURNAL_FULL')
    const release = before?.release ?? this.#components.hold(task)
    this.#arriving += 1
    try {
      await this.#write([{ key: recordKeys.task(task.id), value: encodeTask(task) }], true)
    } catch (err) {
      if (before === undefined) release()
      throw err
    } finally {
      this.#arriving -= 1
    }
    this.#put({ task, again: false, release })
    return task
  }

  /** What cannot be removed now goes when the next task dies. */
  async #forgetDead(): Promise<void> {
    const { dead } = this.#init
    while (dead !== undefined && this.#numbers.dead > dead.most) {
      let oldest: Task | undefined
      for (const task of this.all()) {
        if (task.state === 'dead' && task.dueAtMs < (oldest?.dueAtMs ?? Number.POSITIVE_INFINITY)) oldest = task
      }
      if (oldest === undefined) return
      try {
        await this.delete(oldest.id)
        dead.onForgotten(oldest)
      } catch {
        return
      }
    }
  }

  #afresh({ task }: Entry): Partial<Task> {
    return { ...task, state: 'waiting', attempts: 0, dueAtMs: this.#components.now() }
  }

  async #save(entry: Entry, changed: Partial<Task>, sync = false): Promise<Task> {
    const task = { ...entry.task, ...changed }
    await this.#write([{ key: recordKeys.task(task.id), value: encodeTask(task) }], sync)
    this.#set(entry, changed)
    return entry.task
  }

  #write(changes: readonly StorageChange[], sync: boolean): Promise<void> {
    return this.#components.storage.write(changes, { sync })
  }

  #set(entry: Entry, changed: Partial<Task>): void {
    this.#count(entry.task.state, -1)
    entry.task = { ...entry.task, ...changed }
    this.#count(entry.task.state, 1)
  }

  #put(entry: Entry): void {
    const before = this.#entries.get(entry.task.id)
    if (before !== undefined) this.#count(before.task.state, -1)
    this.#entries.set(entry.task.id, entry)
    this.#count(entry.task.state, 1)
  }

  #drop({ task, release }: Entry): void {
    this.#entries.delete(task.id)
    this.#count(task.state, -1)
    release()
  }

  #count(state: TaskState | 'unreadable', change: number): void {
    this.#numbers[state] += change
    this.#components.onCount(state, this.#numbers[state])
  }
}

function unknown(id: string) {
  return appError('TASK_UNKNOWN', { detail: { id } })
}
