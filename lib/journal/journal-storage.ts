import type { Startable } from '../base/index.ts'

/** One change; `value` undefined removes the key, which need not be there. */
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
   * True: once the write returns, it and all earlier ones survive a power loss. False: they survive the end of the
   * process, and a power loss may take back the latest of them.
   */
  readonly sync: boolean
}

/**
 * Where a journal keeps its records: few, small, by key. One process at a time.
 * `start`: @throws JOURNAL_IN_USE when another process has it, JOURNAL_UNAVAILABLE
 */
export interface JournalStorage extends Startable {
  /**
   * Does all changes or none, also when the process ends in between. Writes may run in parallel.
   * @throws JOURNAL_UNAVAILABLE; then the changes may be there or not
   */
  write(changes: readonly StorageChange[], options: StorageWriteOptions): Promise<void>
  /** All records in ascending order of the key, as they were at the call. @throws JOURNAL_UNAVAILABLE */
  records(): AsyncIterable<StorageRecord>
}
