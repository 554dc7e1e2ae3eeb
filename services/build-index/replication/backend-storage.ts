import { buffer } from 'node:stream/consumers'
import type { Backend } from '../../../lib/backend/index.ts'
import { appError, hasCode } from '../../../lib/base/index.ts'
import type { JournalStorage, StorageRecord } from '../../../lib/journal/index.ts'
import { keyPages } from '../key-pages.ts'
import type { Lease } from './leases.ts'

export interface BackendStorageComponents {
  readonly backend: Backend
  /** While it is held the records may be changed; afterwards another process may own them. */
  readonly lease: Pick<Lease, 'isHeld' | 'signal'>
}

/**
 * A journal's records as objects behind a prefix of a backend, which every process of the cluster can take over. What is
 * written survives also a power loss. A write of several changes makes those that put before those that remove, so that
 * nothing is lost when the process ends in between; the journal then finds both, and takes the first step again.
 */
export function backendStorage({ backend, lease }: BackendStorageComponents, prefix: string): JournalStorage {
  let running = false
  const options = { signal: lease.signal }
  const check = () => {
    if (!running || !lease.isHeld()) throw appError('JOURNAL_UNAVAILABLE', { message: 'the journal is not ours now' })
  }
  const unavailable = (err: unknown) =>
    hasCode(err, 'JOURNAL_UNAVAILABLE') ? err : appError('JOURNAL_UNAVAILABLE', { cause: err })

  const read = async (key: string): Promise<StorageRecord | undefined> => {
    const found = await backend.read(key, options)
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
          if (value === undefined) continue
          check()
          await backend.write(prefix + key, value, { ...options, size: value.byteLength })
        }
        for (const [key, value] of last) {
          if (value !== undefined) continue
          check()
          await backend.delete(prefix + key, options)
        }
      } catch (err) {
        throw unavailable(err)
      }
    },
    async *records() {
      check()
      const found: StorageRecord[] = []
      try {
        for await (const keys of keyPages(backend, prefix, options)) {
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
