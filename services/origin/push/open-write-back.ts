import { join } from 'node:path'
import { type JournalStorage, levelStorage } from '../../../lib/journal/index.ts'
import type { OriginConfig } from '../config.ts'
import { type WriteBack, type WriteBackComponents, writeBack } from './write-back.ts'
import { type WriteBackTaskComponents, writeBackExecutor } from './write-back-task.ts'

export type OpenWriteBackComponents = WriteBackTaskComponents & Omit<WriteBackComponents, 'executor'>

/** Where the journal of an origin is stored. */
export function journalStorage({ folder, writeBack }: OriginConfig): JournalStorage {
  return levelStorage({ folder: writeBack.folder ?? join(folder, 'journal') })
}

/** The write-back that the config describes; not started. */
export function openWriteBack(components: OpenWriteBackComponents, config: OriginConfig): WriteBack {
  const { share, concurrency, spareDelay, retryMin, retryMax, attempts } = config.writeBack
  return writeBack(
    { ...components, executor: writeBackExecutor(components, { memberId: config.member }) },
    {
      maxWaitingBytes: Math.floor(config.store.capacity * share),
      spareDelayMs: spareDelay,
      concurrency,
      retry: { baseMs: retryMin, maxMs: retryMax, attempts },
    },
  )
}
