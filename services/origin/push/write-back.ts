import { appError, type BackoffPolicy, type Clock, type Random, type Startable } from '../../../lib/base/index.ts'
import {
  durableJournal,
  type Executor,
  type JournalStorage,
  type JournalTasks,
  type Task,
} from '../../../lib/journal/index.ts'
import type { BlobReader, StoredBlob } from '../../../lib/store/index.ts'
import type { Logger, Metrics, Tracer } from '../../../lib/telemetry/index.ts'
import { type WaitingBlob, WRITE_BACK, waitingBlob, writeBackTask } from './write-back-task.ts'

/** Most tasks in the journal, dead ones included; a task takes about 1 KiB of memory. */
const MAX_TASKS = 100_000

export interface WriteBackComponents {
  readonly storage: JournalStorage
  readonly store: Pick<BlobReader, 'lease'>
  readonly executor: Executor
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  /** Default: no task is a trace. */
  readonly tracer?: Tracer | undefined
}

export interface WriteBackInit {
  /** Most bytes of all blobs that wait for the backend, those of dead tasks included. */
  readonly maxWaitingBytes: number
  /** Milliseconds that each further owner waits longer before it checks whether the backend has a blob. */
  readonly spareDelayMs: number
  /** Blobs written at the same time. */
  readonly concurrency: number
  readonly retry: BackoffPolicy
}

/** A blob that this origin keeps until the backend has it. */
export interface KeptCopy extends WaitingBlob {
  /** Position among the owners: the first (0) writes at once, the others check later whether the blob is missing. */
  readonly rank: number
}

/**
 * The blobs that the backend does not have yet. Each of them has a task in the journal; a blob with a task, waiting or
 * dead, is never evicted.
 */
export interface WriteBack {
  readonly journal: JournalTasks
  /** Start it before the local store and stop it after: from its start on no waiting blob is evicted. */
  readonly books: Startable
  /** Writes waiting blobs to the backend; stop it before the local store. */
  readonly work: Startable
  /** Bytes of the waiting blobs, and their limit. */
  readonly waitingBytes: number
  readonly maxWaitingBytes: number
  /** Tasks that are not done, dead ones included. This origin must not leave for good before the number is 0. */
  pending(): Promise<number>
  /**
   * Calls `commit`, which puts the blob in place, and returns once the blob and its task are durable.
   * @throws WRITE_BACK_FULL before `commit` is called, JOURNAL_FULL, JOURNAL_UNAVAILABLE, or what `commit` throws
   */
  keep<T extends StoredBlob>(copy: KeptCopy, commit: () => Promise<T>): Promise<T>
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
      .gauge({
        name: 'shoal_write_back_limit_bytes',
        help: 'Limit of the waiting bytes; beyond it pushes wait for the backend.',
      })
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

  async keep<T extends StoredBlob>(copy: KeptCopy, commit: () => Promise<T>): Promise<T> {
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
