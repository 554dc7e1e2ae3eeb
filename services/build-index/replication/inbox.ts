import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, type Clock, hasCode, inTurns, type Random } from '../../../lib/base/index.ts'
import { parseRepository, parseTag, type Repository, repositoryText, type Tag } from '../../../lib/core/index.ts'
import type { IndexRecords } from '../index-records.ts'
import { replicationKeys, shardOfRepository } from './replication-keys.ts'

/** Entries of one page of the inbox. */
const MAX_ENTRIES = 200
/** Entries read at the same time. */
const READS = 16

/**
 * `change`: the tag is about to be set or deleted; remotes are those whose rules fit. `now`: the tag goes to the named
 * remotes at once. `cancel`: it does not go to them any more. `backfill`: it goes to them when nothing else does.
 */
export interface InboxEntry {
  readonly kind: 'change' | 'now' | 'cancel' | 'backfill'
  readonly repository: Repository
  readonly tag: Tag
  readonly remotes?: readonly string[]
  /** Of a change: it is made. */
  readonly made?: boolean
  /** When it was written, on the clock of its writer. */
  readonly atMs: number
}

export interface FoundEntry extends InboxEntry {
  readonly key: string
}

/** Where entries are looked for. Those of a backfill are many, and lie apart, so that nobody waits behind them. */
export type InboxLane = 'inbox' | 'backfill'

export interface InboxPage {
  readonly entries: readonly FoundEntry[]
  /** Where the next page goes on; undefined after the last one. */
  readonly next: string | undefined
}

export interface LookOptions extends AbortOptions {
  /** `next` of the page before. */
  readonly after?: string | undefined
  /** Default `inbox`. */
  readonly lane?: InboxLane
  /** Entries that are not read, and not given. */
  readonly skips?: (key: string) => boolean
}

export interface InboxComponents {
  readonly backend: Backend
  readonly records: IndexRecords
  readonly clock: Clock
  readonly random: Random
}

/** Work for the holders of the shards, written by any build-index. @throws BACKEND_UNAVAILABLE, ABORTED */
export interface Inbox {
  /** Returns when the entry is durable. */
  add(entry: Omit<InboxEntry, 'atMs'>, options?: AbortOptions): Promise<FoundEntry>
  /** Writes the entry anew in its place. */
  put(entry: FoundEntry, options?: AbortOptions): Promise<void>
  /** A page of the entries of a shard, the oldest first; entries that cannot be read are removed. */
  look(shard: number, options?: LookOptions): Promise<InboxPage>
  remove(key: string, options?: AbortOptions): Promise<void>
}

export function inbox({ backend, records, clock, random }: InboxComponents): Inbox {
  const put: Inbox['put'] = async ({ key, repository, ...entry }, options = {}) => {
    const bytes = Buffer.from(JSON.stringify({ ...entry, repository: repositoryText(repository) }))
    await backend.write(key, bytes, { ...options, size: bytes.length })
  }
  const read = async (key: string, options: AbortOptions): Promise<FoundEntry | undefined> => {
    try {
      const record = await records.read(key, parseEntry, options)
      return record && { ...record.value, key }
    } catch (err) {
      if (!hasCode(err, 'BACKEND_CORRUPT')) throw err
      await backend.delete(key, options)
      return undefined
    }
  }
  return {
    put,
    async add(entry, options) {
      const atMs = Math.floor(clock.now())
      const nonce = Buffer.from(random.bytes(8)).toString('hex')
      const place = replicationKeys[entry.kind === 'backfill' ? 'backfill' : 'inbox'](
        shardOfRepository(entry.repository),
      )
      const added = { ...entry, atMs, key: `${place}${String(atMs).padStart(16, '0')}-${nonce}` }
      await put(added, options)
      return added
    },
    async look(shard, { after, lane = 'inbox', skips = () => false, ...options } = {}) {
      const from = after === undefined ? {} : { after }
      const { keys, next } = await backend.list(replicationKeys[lane](shard), {
        ...options,
        ...from,
        limit: MAX_ENTRIES,
      })
      const wanted = keys.filter((key) => !skips(key))
      const found = await inTurns(wanted, READS, (key) => read(key, options))
      return { entries: found.filter((entry) => entry !== undefined), next }
    },
    remove: (key, options) => backend.delete(key, options),
  }
}

interface StoredEntry {
  readonly kind: string
  readonly repository: string
  readonly tag: string
  readonly remotes?: readonly string[]
  readonly made?: boolean
  readonly atMs: number
}

function parseEntry(value: unknown): InboxEntry {
  const { kind, repository, tag, made, remotes, atMs } = value as StoredEntry
  return {
    kind: kind === 'now' || kind === 'cancel' || kind === 'backfill' ? kind : 'change',
    repository: parseRepository(repository),
    tag: parseTag(tag),
    ...(Array.isArray(remotes) && { remotes: remotes.map(String) }),
    ...(made === true && { made }),
    atMs,
  }
}
