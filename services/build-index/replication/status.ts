import { parseBody, type Replication, type ReplicationState, replicationSchema } from '../../../lib/api/index.ts'
import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, appError, hasCode } from '../../../lib/base/index.ts'
import type { Repository, Tag } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { IndexRecords } from '../index-records.ts'
import { pageBehind } from '../key-pages.ts'
import type { Lease } from './leases.ts'
import { replicationKeys } from './replication-keys.ts'

/** Statuses that one request for a list reads at most; those that do not fit the question count, too. */
const MAX_READ = 1000
/** Statuses read at the same time. */
const READ_AT_ONCE = 32

/** A tag and where it goes. */
export interface ReplicationTarget {
  readonly remote: string
  readonly repository: Repository
  readonly tag: Tag
}

export interface StatusQuery extends AbortOptions {
  readonly state?: ReplicationState | undefined
  readonly repository?: Repository | undefined
  readonly remote?: string | undefined
  readonly n: number
  /** `next` of the page before. */
  readonly last?: string | undefined
}

/**
 * How the replication of each tag to each remote stands, as the holder of its shard last wrote it. A status that
 * cannot be read counts as none: the next one replaces it. Every method: @throws BACKEND_UNAVAILABLE, ABORTED
 */
export interface Statuses {
  get(target: ReplicationTarget, options?: AbortOptions): Promise<Replication | undefined>
  list(query: StatusQuery): Promise<{ readonly replications: readonly Replication[]; readonly next?: string }>
  /** For the holder of a shard; what a later holder wrote is not changed. */
  under(lease: Pick<Lease, 'generation'>): HeldStatuses
}

/** Statuses as the holder of their shard changes them. */
export interface HeldStatuses extends Pick<Statuses, 'get'> {
  /** @throws JOURNAL_UNAVAILABLE when a later holder has written it */
  set(target: ReplicationTarget, status: Replication, options?: AbortOptions): Promise<void>
  remove(target: ReplicationTarget, options?: AbortOptions): Promise<void>
}

export interface StatusComponents {
  readonly backend: Backend
  readonly records: IndexRecords
  readonly logger: Logger
}

const keyOf = ({ remote, repository, tag }: ReplicationTarget) => replicationKeys.status(remote, repository, tag)

const parseStatus = (value: unknown): Replication => parseBody(replicationSchema, value)

/** The generation of the lease under which a status was written. */
const generationOf = (value: unknown): number => Number((value as { readonly generation?: unknown }).generation ?? 0)

export function statuses({ backend, records, logger }: StatusComponents): Statuses {
  const readOne = async (key: string, options: AbortOptions) => {
    try {
      return await records.read(key, parseStatus, options)
    } catch (err) {
      if (!hasCode(err, 'BACKEND_CORRUPT')) throw err
      logger.warn('the status of a replication cannot be read; it counts as none', { key, err })
      return undefined
    }
  }

  /** Those of the keys that fit, read in their order, until there are enough. */
  const readSome = async (keys: readonly string[], enough: number, { state, signal }: StatusQuery) => {
    const found: { readonly key: string; readonly status: Replication }[] = []
    for (let i = 0; i < keys.length && found.length < enough; i += READ_AT_ONCE) {
      const some = keys.slice(i, i + READ_AT_ONCE)
      const read = await Promise.all(some.map((key) => readOne(key, { signal })))
      for (const [at, record] of read.entries()) {
        if (record === undefined || (state !== undefined && record.value.state !== state)) continue
        found.push({ key: some[at] ?? '', status: record.value })
      }
    }
    return found.slice(0, enough)
  }

  const get: Statuses['get'] = async (target, options = {}) => (await readOne(keyOf(target), options))?.value

  return {
    get,
    under: ({ generation }) => ({
      get,
      async set(target, status, options) {
        const decide = (found = 0) => {
          if (found <= generation) return { ...status, generation }
          throw appError('JOURNAL_UNAVAILABLE', { message: 'the shard has another holder now' })
        }
        await records.change(keyOf(target), { parse: generationOf, decide }, options)
      },
      async remove(target, options) {
        await records.removeIf(keyOf(target), { parse: generationOf, test: (found) => found <= generation }, options)
      },
    }),
    async list(query) {
      const { repository, remote, n, last, signal } = query
      const place = repository === undefined ? '' : replicationKeys.tagsOf(repository)
      const prefix = replicationKeys.statuses + (remote === undefined ? '' : `${remote}/${place}`)
      const isWanted = (name: string) => remote !== undefined || name.slice(name.indexOf('/') + 1).startsWith(place)
      const after = last?.slice(prefix.length - replicationKeys.statuses.length)
      const page = await pageBehind(backend, prefix, { n: MAX_READ, last: after, signal })
      const keys = page.names.filter(isWanted).map((name) => prefix + name)
      const found = await readSome(keys, n, query)
      const isFull = found.length === n && n > 0
      const end = isFull ? found.at(-1)?.key : page.next && prefix + page.next
      const isLast = end === undefined || (isFull && page.next === undefined && end === keys.at(-1))
      const next = isLast ? {} : { next: end.slice(replicationKeys.statuses.length) }
      return { replications: found.map(({ status }) => status), ...next }
    },
  }
}
