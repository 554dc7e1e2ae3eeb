import { appError } from '../base/index.ts'
import type { JournalStorage, StorageRecord } from './journal-storage.ts'

/** Twin of `levelStorage` for tests; its content survives `stop`, but only inside this object. */
export function memoryStorage(): JournalStorage {
  const held = new Map<string, Uint8Array>()
  let running = false
  const checkRunning = () => {
    if (!running) throw appError('JOURNAL_UNAVAILABLE', { message: 'the journal is not open' })
  }
  return {
    async start() {
      running = true
    },
    async stop() {
      running = false
    },
    async write(changes) {
      checkRunning()
      for (const { key, value } of changes) {
        if (value === undefined) held.delete(key)
        else held.set(key, value.slice())
      }
    },
    async *records(): AsyncGenerator<StorageRecord> {
      checkRunning()
      const now = [...held].sort(([a], [b]) => (a < b ? -1 : 1))
      for (const [key, value] of now) yield { key, value: value.slice() }
    },
  }
}
