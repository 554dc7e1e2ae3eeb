import { type FakeClock, fakeClock, seededRandom } from '../../lib/base/index.ts'
import {
  type DurableJournalInit,
  durableJournal,
  type Executor,
  type Journal,
  type JournalStorage,
  memoryStorage,
  type RunOptions,
  type Task,
} from '../../lib/journal/index.ts'
import {
  type RecordingLogger,
  type RecordingMetrics,
  recordingLogger,
  recordingMetrics,
  type Tracer,
} from '../../lib/telemetry/index.ts'

type Behaviour = (signal: AbortSignal, postpone: RunOptions['postpone']) => Promise<void>

export interface JournalLab {
  readonly journal: Journal
  readonly storage: JournalStorage
  readonly clock: FakeClock
  readonly logger: RecordingLogger
  readonly metrics: RecordingMetrics
  /** Keys of the runs that have begun, in order. */
  readonly runs: string[]
  /** Keys of the held tasks; a key occurs once for each hold. */
  readonly held: readonly string[]
  /** Sets what later runs of the key do; by default they end at once. */
  behave(key: string, run: Behaviour): void
}

export const baseMs = 1000
export const maxMs = 60_000

/** A journal with a fake clock; the test decides what its executor does with tasks of kind `copy`. */
export function journalLab(
  init: Partial<DurableJournalInit> & {
    readonly storage?: JournalStorage
    readonly clock?: FakeClock
    readonly tracer?: Tracer
  } = {},
): JournalLab {
  const { storage = memoryStorage(), clock = fakeClock(), tracer } = init
  const logger = recordingLogger()
  const metrics = recordingMetrics()
  const runs: string[] = []
  const held: string[] = []
  const behaviours = new Map<string, Behaviour>()
  const copy: Executor = {
    async run({ key }, { signal, postpone }) {
      runs.push(key)
      await behaviours.get(key)?.(signal, postpone)
    },
  }
  const hold = ({ key }: Task) => {
    held.push(key)
    return () => void held.splice(held.indexOf(key), 1)
  }
  const journal = durableJournal(
    { clock, random: seededRandom(7), logger, metrics, tracer, storage, executors: { copy }, hold },
    { concurrency: 2, retry: { baseMs, maxMs, attempts: 3 }, maxTasks: 100, ...init },
  )
  return {
    journal,
    storage,
    clock,
    logger,
    metrics,
    runs,
    held,
    behave: (key, run) => void behaviours.set(key, run),
  }
}

/** A task for the lab's executor. */
export const copyOf = (key: string, delayMs = 0) => ({ kind: 'copy', key, payload: { of: key }, delayMs })
