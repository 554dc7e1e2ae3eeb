import { appError, type BackoffPolicy, type Clock, type Random, type Startable } from '../../../lib/base/index.ts'
import {
  durableJournal,
  type Executor,
  type JournalStorage,
  type JournalTasks,
  type Task,
} from '../../../lib/journal/index.ts'
import type { BlobReader, StoredBlob } from '../../../lib/store/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import { type WaitingBlob, WRITE_BACK, waitingBlob, writeBackTask } from './write-back-task.ts'

/** Tasks at most, dead ones included; about 1 KiB of memory each. */
const MAX_TASKS = 100_000

export interface WriteBackComponents {
  readonly storage: JournalStorage
  readonly store: Pick<BlobReader, 'lease'>
  readonly executor: Executor
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface WriteBackInit {
  /** Blobs that wait for the backend, together, dead tasks included; bytes. */
  readonly maxWaitingBytes: number
  /** How much later each further owner looks whether the backend has a blob, milliseconds. */
  readonly spareDelayMs: number
  /** Blobs written at one time. */
  readonly concurrency: number
  readonly retry: BackoffPolicy
}

/** A blob to be kept until the backend has it. */
export interface KeptCopy extends WaitingBlob {
  /** Which owner's task this is: the first (0) writes at once, the others look later whether something is missing. */
  readonly rank: number
}

/**
 * What the backend does not have yet: each such blob has a task in the journal, and no blob that has one, waiting or
 * dead, is evicted.
 */
export interface WriteBack {
  readonly journal: JournalTasks
  /** Before the local store is started, stopped after it: from then on no waiting blob is evicted. */
  readonly books: Startable
  /** Writes to the backend what waits; to be stopped before the local store is. */
  readonly work: Startable
  /** Bytes that wait, and how many may. */
  readonly waitingBytes: number
  readonly maxWaitingBytes: number
  /** Tasks that are not done, dead ones included: this origin must not leave for good before there are none. */
  pending(): Promise<number>
  /**
   * Puts the blob in place with `commit`, and returns once it and its task are durable.
   * @throws WRITE_BACK_FULL before `commit` is called, JOURNAL_FULL, JOURNAL_UNAVAILABLE, or what `commit` throws
   */
  keep(copy: KeptCopy, commit: () => Promise<StoredBlob>): Promise<StoredBlob>
}

class OriginWriteBack implements WriteBack {
  readonly journal: JournalTasks
  readonly books: Startable
  readonly work: Startable
  readonly maxWaitingBytes: number
  readonly #store: Pick<BlobReader, 'lease'>
  readonly #spareDelayMs: number
  readonly #waiting: (bytes: number) => void
  #waitingBytes = 0

  constructor(components: WriteBackComponents, init: WriteBackInit) {
    const { executor, store, metrics } = components
    const { maxWaitingBytes, spareDelayMs, concurrency, retry } = init
    this.maxWaitingBytes = maxWaitingBytes
    this.#store = store
    this.#spareDelayMs = spareDelayMs
    const waiting = metrics
      .gauge({ name: 'shoal_write_back_waiting_bytes', help: 'Bytes of blobs that the backend does not have yet.' })
      .with({})
    metrics
      .gauge({ name: 'shoal_write_back_limit_bytes', help: 'Bytes that may wait; more pushes wait for the backend.' })
      .with({})
      .set(maxWaitingBytes)
    this.#waiting = (bytes) => {
      this.#waitingBytes += bytes
      waiting.set(this.#waitingBytes)
    }
    const executors = { [WRITE_BACK]: executor }
    const journal = durableJournal(
      { ...components, executors, hold: (task) => this.#hold(task) },
      { concurrency, retry, maxTasks: MAX_TASKS },
    )
    this.journal = journal
    this.books = { start: () => journal.open(), stop: () => journal.close() }
    this.work = { start: () => journal.start(), stop: () => journal.stop() }
  }

  get waitingBytes() {
    return this.#waitingBytes
  }

  async pending() {
    const { waiting, running, dead } = this.journal.counts()
    return waiting + running + dead
  }

  async keep(copy: KeptCopy, commit: () => Promise<StoredBlob>): Promise<StoredBlob> {
    const { blob, size, rank } = copy
    const detail = { waitingBytes: this.#waitingBytes, maxWaitingBytes: this.maxWaitingBytes }
    if (this.#waitingBytes + size > this.maxWaitingBytes) throw appError('WRITE_BACK_FULL', { detail })
    this.#waiting(size)
    const release = this.#store.lease(blob.digest)
    try {
      const stored = await commit()
      await this.journal.add(writeBackTask(copy, rank * this.#spareDelayMs))
      return stored
    } finally {
      release()
      this.#waiting(-size)
    }
  }

  #hold(task: Task): () => void {
    const waiting = waitingBlob(task)
    if (waiting === undefined) return () => undefined
    const release = this.#store.lease(waiting.blob.digest)
    this.#waiting(waiting.size)
    return () => {
      release()
      this.#waiting(-waiting.size)
    }
  }
}

export function writeBack(components: WriteBackComponents, init: WriteBackInit): WriteBack {
  return new OriginWriteBack(components, init)
}
