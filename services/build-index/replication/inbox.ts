import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, type Clock, hasCode, type Random } from '../../../lib/base/index.ts'
import {
  type Digest,
  parseDigest,
  parseRepository,
  parseTag,
  type Repository,
  repositoryText,
  type Tag,
} from '../../../lib/core/index.ts'
import type { IndexRecords } from '../index-records.ts'
import { replicationKeys, shardOfRepository } from './replication-keys.ts'

/** Entries of one look into the inbox. */
const MAX_ENTRIES = 200

/**
 * `change`: the tag is about to be set to the digest, or to be deleted; remotes are those whose rules fit. `now`: the
 * tag goes to the named remotes at once. `cancel`: it does not go to them any more.
 */
export interface InboxEntry {
  readonly kind: 'change' | 'now' | 'cancel'
  readonly repository: Repository
  readonly tag: Tag
  readonly digest?: Digest | undefined
  readonly remotes?: readonly string[]
  /** When it was written, on the clock of its writer. */
  readonly atMs: number
}

export interface FoundEntry extends InboxEntry {
  readonly key: string
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
  add(entry: Omit<InboxEntry, 'atMs'>, options?: AbortOptions): Promise<void>
  /** The oldest entries of a shard; entries that cannot be read are removed. */
  look(shard: number, options?: AbortOptions): Promise<readonly FoundEntry[]>
  remove(key: string, options?: AbortOptions): Promise<void>
}

export function inbox({ backend, records, clock, random }: InboxComponents): Inbox {
  return {
    async add({ repository, ...entry }, options = {}) {
      const atMs = Math.floor(clock.now())
      const nonce = Buffer.from(random.bytes(8)).toString('hex')
      const key = `${replicationKeys.inbox(shardOfRepository(repository))}${String(atMs).padStart(16, '0')}-${nonce}`
      const bytes = Buffer.from(JSON.stringify({ ...entry, repository: repositoryText(repository), atMs }))
      await backend.write(key, bytes, { ...options, size: bytes.length })
    },
    async look(shard, options = {}) {
      const { keys } = await backend.list(replicationKeys.inbox(shard), { ...options, limit: MAX_ENTRIES })
      const found = await Promise.all(
        keys.map(async (key) => {
          try {
            const record = await records.read(key, parseEntry, options)
            return record && { ...record.value, key }
          } catch (err) {
            if (!hasCode(err, 'BACKEND_CORRUPT')) throw err
            await backend.delete(key, options)
            return undefined
          }
        }),
      )
      return found.filter((entry) => entry !== undefined)
    },
    remove: (key, options) => backend.delete(key, options),
  }
}

interface StoredEntry {
  readonly kind: string
  readonly repository: string
  readonly tag: string
  readonly digest?: string
  readonly remotes?: readonly string[]
  readonly atMs: number
}

function parseEntry(value: unknown): InboxEntry {
  const { kind, repository, tag, digest, remotes, atMs } = value as StoredEntry
  return {
    kind: kind === 'now' || kind === 'cancel' ? kind : 'change',
    repository: parseRepository(repository),
    tag: parseTag(tag),
    digest: digest === undefined ? undefined : parseDigest(digest),
    ...(Array.isArray(remotes) && { remotes: remotes.map(String) }),
    atMs,
  }
}
