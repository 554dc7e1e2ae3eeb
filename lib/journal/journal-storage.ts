import type { Startable } from '../base/index.ts'

/** One change. An undefined `value` removes the key; the key need not exist. */
export interface StorageChange {
  readonly key: string
  readonly value: Uint8Array | undefined
}

export interface StorageRecord {
  readonly key: string
  readonly value: Uint8Array
}

export interface StorageWriteOptions {
  /**
   * True: when the write returns, it and all earlier writes survive a power loss. False: they survive the end of the
   * process, but a power loss may undo the latest ones.
   */
  readonly sync: boolean
}

/**
 * Where a journal keeps its records, which are few and small. Only one process at a time. `start`: @throws
 * JOURNAL_IN_USE when another process uses it, JOURNAL_UNAVAILABLE
 */
export interface JournalStorage extends Startable {
  /**
   * Applies all changes or none, even when the process ends meanwhile. Writes may run in parallel.
   * @throws JOURNAL_UNAVAILABLE; then the changes may or may not have been applied
   */
  write(changes: readonly StorageChange[], options: StorageWriteOptions): Promise<void>
  /** All records at the time of the call, in ascending order of the key. @throws JOURNAL_UNAVAILABLE */
  records(): AsyncIterable<StorageRecord>
}
