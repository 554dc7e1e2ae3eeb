import type { Backfill, BuildIndex } from '../../../lib/api/index.ts'
import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, type Clock, tokenBucket } from '../../../lib/base/index.ts'
import { ownRepository, type RepositoryName, type Tag } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { IndexRecords } from '../index-records.ts'
import type { Inbox } from './inbox.ts'
import type { Lease } from './leases.ts'
import type { Remote } from './remote.ts'
import { replicationKeys, shardOf } from './replication-keys.ts'
import { matcher, ruleHash, type TagRule } from './rules.ts'

/** Repositories and tags on one page of the walk; after each page it is written down how far it is. */
const PAGE = 100
/** Pause before a walk that failed goes on. */
const AGAIN_MS = 10_000

/** How far a walk is; stored as JSON. */
interface Walk {
  readonly looked: number
  readonly fitting: number
  /** The last repository that is done, and the last tag of the one after it. */
  readonly repository?: string
  readonly within?: string
  readonly tag?: string
  readonly doneAtMs?: number
}

export interface BackfillsComponents {
  readonly backend: Backend
  readonly records: IndexRecords
  readonly clock: Clock
  readonly logger: Logger
  readonly index: Pick<BuildIndex, 'listRepositories' | 'listTags'>
  readonly inbox: Inbox
  readonly remotes: ReadonlyMap<string, Remote>
}

/**
 * A rule that is new also applies to the tags of before: each rule's walk over all own repositories goes on where it was,
 * whoever holds its shard.
 */
export interface Backfills {
  /** Does the walks of a shard; resolves when all are done or the lease ends. */
  run(lease: Lease): Promise<void>
  /** How far the walk of a rule is. */
  progress(remote: string, rule: TagRule, options?: AbortOptions): Promise<Backfill>
}

export function backfills(
  { backend, records, clock, logger, index, inbox, remotes }: BackfillsComponents,
  { tagsPerSecond }: { readonly tagsPerSecond: number },
): Backfills {
  const keyOf = (remote: string, rule: TagRule) => replicationKeys.rule(ruleHash(remote, rule))
  const read = async (remote: string, rule: TagRule, options: AbortOptions): Promise<Walk> =>
    (await records.read(keyOf(remote, rule), (value) => value as Walk, options))?.value ?? { looked: 0, fitting: 0 }

  const walkRule = async (remote: string, rule: TagRule, options: AbortOptions) => {
    const { fits, repository: isPlace } = matcher(rule)
    const pace = tokenBucket(clock, { ratePerSecond: tagsPerSecond, burst: 1 })
    let walk = await read(remote, rule, options)
    if (walk.doneAtMs !== undefined) return
    const note = async (changed: Walk) => {
      walk = changed
      const bytes = Buffer.from(JSON.stringify(walk))
      await backend.write(keyOf(remote, rule), bytes, { ...options, size: bytes.length })
    }

    const walkTags = async (name: RepositoryName) => {
      const repository = ownRepository(name)
      for (let last = walk.within === name ? walk.tag : undefined; ; ) {
        const page = await index.listTags(repository, { n: PAGE, last, ...options })
        const tags: readonly Tag[] = page?.tags ?? []
        const fitting = tags.filter((tag) => fits(repository, tag))
        for (const _ of tags) await pace.take(1, options)
        for (const tag of fitting) await inbox.add({ kind: 'now', repository, tag, remotes: [remote] }, options)
        last = page?.next
        const counts = { looked: walk.looked + tags.length, fitting: walk.fitting + fitting.length }
        const at = last === undefined ? { repository: name } : { within: name, tag: last }
        await note({ ...(walk.repository !== undefined && { repository: walk.repository }), ...at, ...counts })
        if (last === undefined) return
      }
    }

    for (let last = walk.repository; ; ) {
      const page = await index.listRepositories({ n: PAGE, last, ...options })
      for (const name of page.repositories) if (isPlace(ownRepository(name))) await walkTags(name)
      last = page.next
      if (last === undefined) break
    }
    await note({ looked: walk.looked, fitting: walk.fitting, doneAtMs: clock.now() })
    logger.info('the tags of before that fit a rule are on their way', { remote, ...rule, fitting: walk.fitting })
  }

  return {
    async run({ shard, signal }) {
      const own = [...remotes.values()].flatMap(({ name, rules }) =>
        rules.filter((rule) => shardOf(ruleHash(name, rule)) === shard).map((rule) => ({ name, rule })),
      )
      for (const { name, rule } of own) {
        for (let isDone = false; !isDone && !signal.aborted; ) {
          try {
            await walkRule(name, rule, { signal })
            isDone = true
          } catch (err) {
            if (signal.aborted) return
            logger.warn('the search for tags that fit a rule stopped; it goes on', { remote: name, ...rule, err })
            await clock.sleep(AGAIN_MS, { signal }).catch(() => undefined)
          }
        }
      }
    },
    async progress(remote, rule, options = {}) {
      const { looked, fitting, repository, within, doneAtMs } = await read(remote, rule, options)
      const at = within ?? repository
      return {
        ...rule,
        ...{ looked, fitting },
        ...(doneAtMs === undefined ? at !== undefined && { at } : { doneAtMs }),
      }
    },
  }
}
