import type { Backfill, BuildIndex } from '../../../lib/api/index.ts'
import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, anySignal, type Clock, tokenBucket, untilAborted } from '../../../lib/base/index.ts'
import { ownRepository, type RepositoryName, type Tag } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { IndexRecords } from '../index-records.ts'
import type { FollowerChanges } from './follower-changes.ts'
import type { Inbox } from './inbox.ts'
import { ROLLOUT_MS } from './intake.ts'
import type { KnownRules } from './known-rules.ts'
import type { Lease } from './leases.ts'
import type { Remote } from './remote.ts'
import { replicationKeys, shardOf } from './replication-keys.ts'
import { matcher, ruleHash, type TagRule } from './rules.ts'

/** Repositories and tags on one page of the walk; after each page it is written down how far it is. */
const PAGE = 100
/** Pause before a walk that failed goes on. */
const AGAIN_MS = 10_000
/** Pause before the first walk of a rule that was given: by then the build-indexes know it, if their looks succeed. */
const GIVEN_FIRST_MS = 5_000
/**
 * Pause between the two walks of a rule that was given. By then each build-index knows it: a tag is changed by what was given
 * up to ten seconds ago, and within a minute.
 */
const GIVEN_AGAIN_MS = 120_000

/** How far a walk is; stored as JSON. */
interface Walk {
  readonly looked: number
  readonly fitting: number
  /** The last repository that is done. */
  readonly repository?: string
  /** The repository of which only a part is done, and its last tag that is. */
  readonly within?: string
  readonly tag?: string
  /** When the first walk was done. */
  readonly doneAtMs?: number
  /** The second walk is done, too. */
  readonly twice?: boolean
}

export interface BackfillsComponents {
  readonly backend: Backend
  readonly records: IndexRecords
  readonly clock: Clock
  readonly logger: Logger
  readonly index: Pick<BuildIndex, 'listRepositories' | 'listTags'>
  readonly inbox: Inbox
  readonly remotes: ReadonlyMap<string, Remote>
  readonly changes: FollowerChanges
  readonly rules: Pick<KnownRules, 'walkOf' | 'find'>
}

export interface BackfillsInit {
  /** Tags that one walk looks at in a second. */
  readonly tagsPerSecond: number
}

/**
 * A rule that is new also applies to the tags of before: each rule's walk over all own repositories goes on where it was,
 * whoever holds its shard.
 */
export interface Backfills {
  /** Does the walks of a shard, also those of rules that come meanwhile; resolves when the lease ends. */
  run(lease: Lease): Promise<void>
  /** How far the walk of a rule is. */
  progress(remote: Remote, rule: TagRule, options?: AbortOptions): Promise<Backfill>
}

export function backfills(components: BackfillsComponents, init: BackfillsInit): Backfills {
  return {
    async run({ shard, signal }) {
      while (!signal.aborted) {
        const turn = anySignal([signal, components.changes.next])
        await walkAll(components, init, { shard, signal: turn })
        await untilAborted(turn)
      }
    },
    async progress(remote, rule, options = {}) {
      const id = await components.rules.find(remote, rule, options)
      const walk = id === undefined ? none : ((await readWalk(components, id, options))?.value ?? none)
      const { looked, fitting, repository, within, doneAtMs } = walk
      const at = within ?? repository
      const { repository: places, tag: names } = rule
      const counts = { repository: places, tag: names, looked, fitting }
      return { ...counts, ...(doneAtMs === undefined ? at !== undefined && { at } : { doneAtMs }) }
    },
  }
}

const none: Walk = { looked: 0, fitting: 0 }

interface RuleOf {
  readonly remote: Remote
  readonly rule: TagRule
}

const readWalk = ({ records }: BackfillsComponents, id: string, options: AbortOptions) =>
  records.read(replicationKeys.walk(id), (value) => value as Walk, options)

async function walkAll(
  components: BackfillsComponents,
  init: BackfillsInit,
  { shard, signal }: Pick<Lease, 'shard' | 'signal'>,
): Promise<void> {
  const { remotes, clock, logger } = components
  const rules = [...remotes.values()].flatMap((remote) => remote.rules.map((rule) => ({ remote, rule })))
  const left = rules.filter(({ remote, rule }) => shardOf(ruleHash(remote, rule)) === shard)
  // A given one waits less before its second walk.
  const second = left.toSorted((a, b) => Number(isGiven(b)) - Number(isGiven(a)))
  const passes = [...left.map((rule) => ({ rule, again: false })), ...second.map((rule) => ({ rule, again: true }))]
  while (!signal.aborted) {
    const [next] = passes
    if (next === undefined) return
    try {
      const walk = new RuleWalk(components, init, next.rule)
      await (next.again ? walk.runAgain({ signal }) : walk.run({ signal }))
      passes.shift()
    } catch (err) {
      if (isOver(signal)) return
      const { remote, rule } = next.rule
      logger.warn('the search for tags that fit a rule stopped; it goes on', { remote: remote.name, ...rule, err })
      await clock.sleep(AGAIN_MS, { signal }).catch(() => undefined)
    }
  }
}

const isGiven = ({ remote }: RuleOf) => remote.from === 'given'

const isOver = (signal: AbortSignal) => signal.aborted

/** The walk of one rule. */
class RuleWalk {
  readonly #components: BackfillsComponents
  readonly #pace: ReturnType<typeof tokenBucket>
  readonly #of: RuleOf
  readonly #pauseMs: number
  #walk: Walk = none
  #id = ''
  /** Of the walk as it was last read or written; nobody else writes it while the lease is held. */
  #etag: string | undefined

  constructor(components: BackfillsComponents, { tagsPerSecond }: BackfillsInit, of: RuleOf) {
    this.#components = components
    this.#of = of
    this.#pauseMs = isGiven(of) ? GIVEN_AGAIN_MS : ROLLOUT_MS
    this.#pace = tokenBucket(components.clock, { ratePerSecond: tagsPerSecond, burst: 1 })
  }

  async run(options: AbortOptions): Promise<void> {
    const { clock, logger } = this.#components
    const { remote, rule } = this.#of
    await this.#read(options)
    if (this.#walk.doneAtMs !== undefined) return
    if (isGiven(this.#of) && this.#walk.looked === 0) await clock.sleep(GIVEN_FIRST_MS, options)
    await this.#all(options)
    const { looked, fitting } = this.#walk
    await this.#note({ looked, fitting, doneAtMs: clock.now() }, options)
    logger.info('the tags of before that fit a rule are on their way', { remote: remote.name, ...rule, fitting })
  }

  /**
   * Walks once more, a while after the first walk: a build-index that did not know the rule yet may have taken a tag that
   * the first walk had passed already. Whatever the remote has is not sent again.
   */
  async runAgain(options: AbortOptions): Promise<void> {
    await this.#read(options)
    const { doneAtMs, twice, repository, within } = this.#walk
    if (doneAtMs === undefined || twice === true) return
    if (repository === undefined && within === undefined) {
      await this.#components.clock.sleep(Math.max(0, doneAtMs + this.#pauseMs - this.#components.clock.now()), options)
      this.#walk = { looked: 0, fitting: 0, doneAtMs }
    }
    await this.#all(options)
    const { looked, fitting } = this.#walk
    await this.#note({ looked, fitting, doneAtMs, twice: true }, options)
  }

  async #read(options: AbortOptions): Promise<void> {
    const { remote, rule } = this.#of
    this.#id = await this.#components.rules.walkOf(remote, rule, options)
    const found = await readWalk(this.#components, this.#id, options)
    this.#walk = found?.value ?? none
    this.#etag = found?.etag
  }

  async #all(options: AbortOptions): Promise<void> {
    const { index } = this.#components
    const { repository: isPlace } = matcher(this.#of.rule)
    for (let last = this.#walk.repository; ; ) {
      const page = await index.listRepositories({ n: PAGE, last, ...options })
      for (const name of page.repositories) if (isPlace(ownRepository(name))) await this.#tagsOf(name, options)
      last = page.next
      if (last === undefined) return
    }
  }

  async #tagsOf(name: RepositoryName, options: AbortOptions): Promise<void> {
    const { index, inbox } = this.#components
    const { remote, rule } = this.#of
    const { fits } = matcher(rule)
    const repository = ownRepository(name)
    for (let last = this.#walk.within === name ? this.#walk.tag : undefined; ; ) {
      const page = await index.listTags(repository, { n: PAGE, last, ...options })
      const tags: readonly Tag[] = page?.tags ?? []
      let fitting = 0
      for (const tag of tags) {
        await this.#pace.take(1, options)
        if (!fits(repository, tag)) continue
        fitting += 1
        await inbox.add({ kind: 'backfill', repository, tag, remotes: [remote.name] }, options)
      }
      last = page?.next
      const { repository: before, ...counts } = this.#walk
      const { doneAtMs } = counts
      const more = {
        ...(doneAtMs !== undefined && { doneAtMs }),
        ...{ looked: counts.looked + tags.length, fitting: counts.fitting + fitting },
      }
      const done = before === undefined ? {} : { repository: before }
      await this.#note(
        last === undefined ? { ...more, repository: name } : { ...more, ...done, within: name, tag: last },
        options,
      )
      if (last === undefined) return
    }
  }

  /** A note that comes late, of a holder before, changes nothing: then the walk is read again. */
  async #note(walk: Walk, options: AbortOptions): Promise<void> {
    const { backend } = this.#components
    this.#walk = walk
    const bytes = Buffer.from(JSON.stringify(walk))
    const condition = this.#etag === undefined ? { ifAbsent: true } : { ifMatch: this.#etag }
    const written = { ...options, ...condition, size: bytes.length }
    this.#etag = (await backend.write(replicationKeys.walk(this.#id), bytes, written)).etag
  }
}
