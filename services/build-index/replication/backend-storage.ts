import { buffer } from 'node:stream/consumers'
import type { Backend } from '../../../lib/backend/index.ts'
import { appError, hasCode } from '../../../lib/base/index.ts'
import type { JournalStorage, StorageRecord } from '../../../lib/journal/index.ts'
import { keyPages } from '../key-pages.ts'

export interface BackendStorageComponents {
  readonly backend: Backend
  /** Whether the records may be changed still: another process may own them by now. */
  readonly isOwner: () => boolean
}

/**
 * A journal's records as objects behind a prefix of a backend, which every process of the cluster can take over. What is
 * written survives also a power loss. A write of several changes makes those that put before those that remove, so that
 * nothing is lost when the process ends in between; the journal then finds both, and takes the first step again.
 */
export function backendStorage({ backend, isOwner }: BackendStorageComponents, prefix: string): JournalStorage {
  let running = false
  const check = () => {
    if (!running || !isOwner()) throw appError('JOURNAL_UNAVAILABLE', { message: 'the journal is not ours now' })
  }
  const unavailable = (err: unknown) =>
    hasCode(err, 'JOURNAL_UNAVAILABLE') ? err : appError('JOURNAL_UNAVAILABLE', { cause: err })

  const read = async (key: string): Promise<StorageRecord | undefined> => {
    const found = await backend.read(key)
    return found && { key: key.slice(prefix.length), value: await buffer(found.body) }
  }

  return {
    async start() {
      running = true
    },
    async stop() {
      running = false
    },
    async write(changes) {
      check()
      const last = new Map(changes.map((change) => [change.key, change.value?.slice()]))
      try {
        for (const [key, value] of last) {
          if (value !== undefined) await backend.write(prefix + key, value, { size: value.byteLength })
        }
        for (const [key, value] of last) if (value === undefined) await backend.delete(prefix + key)
      } catch (err) {
        throw unavailable(err)
      }
    },
    async *records() {
      check()
      const found: StorageRecord[] = []
      try {
        for await (const keys of keyPages(backend, prefix)) {
          const page = await Promise.all(keys.map(read))
          found.push(...page.filter((record) => record !== undefined))
        }
      } catch (err) {
        throw unavailable(err)
      }
      yield* found
    },
  }
}
