import { appError } from '../../lib/base/index.ts'
import type { JournalStorage, StorageChange, StorageRecord } from '../../lib/journal/index.ts'

/** A journal's storage on a simulated disk that loses everything that was not synced. */
export interface PowerLossStorage {
  readonly storage: JournalStorage
  /** Drops everything that was not synced and stops the storage, as a crash would; it can be started again. */
  cutPower(): void
  /** From now on writes fail: before their work (`undone`) or after it (`done`); false ends this. */
  failWrites(how: 'undone' | 'done' | false): void
}

/** Changes go to a cache first; a synced write makes all earlier changes durable too, as a log does. */
export function powerLossStorage(): PowerLossStorage {
  let disk: ReadonlyMap<string, Uint8Array> = new Map()
  let cache = new Map<string, Uint8Array>()
  let running = false
  let failing: 'undone' | 'done' | false = false

  const unavailable = () => appError('JOURNAL_UNAVAILABLE')
  const apply = (changes: readonly StorageChange[], sync: boolean) => {
    for (const { key, value } of changes) {
      if (value === undefined) cache.delete(key)
      else cache.set(key, value.slice())
    }
    if (sync) disk = new Map(cache)
  }

  return {
    storage: {
      async start() {
        running = true
      },
      async stop() {
        running = false
      },
      async write(changes, { sync }) {
        if (!running || failing === 'undone') throw unavailable()
        apply(changes, sync)
        if (failing === 'done') throw unavailable()
      },
      async *records(): AsyncGenerator<StorageRecord> {
        if (!running) throw unavailable()
        const now = [...cache].sort(([a], [b]) => (a < b ? -1 : 1))
        for (const [key, value] of now) yield { key, value: value.slice() }
      },
    },
    cutPower() {
      running = false
      cache = new Map(disk)
    },
    failWrites(how) {
      failing = how
    },
  }
}
