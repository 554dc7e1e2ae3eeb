import {
  type AbortOptions,
  abortable,
  type BackoffPolicy,
  backoffMs,
  type Clock,
  codeOf,
  deferred,
  isAbort,
  isAppError,
  type Random,
  rounds,
  type Startable,
} from '../../base/index.ts'
import type { Counter, Family, Logger, Metrics } from '../../telemetry/index.ts'
import type { ChangingCluster } from '../cluster.ts'
import { type KeptMember, keptMembers } from './kept-members.ts'
import type { MemberSource } from './member-source.ts'

/** Waits between two tries of a source that fails. */
const RETRY: BackoffPolicy = { baseMs: 500, maxMs: 15_000, attempts: Number.POSITIVE_INFINITY }
const LEAST_RETRY_MS = 250
/** Until the next look at what never changes: the longest time that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1

export interface MemberFeedComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  readonly source: MemberSource
  /** With members they are known already. */
  readonly cluster: ChangingCluster
}

export interface MemberFeedInit {
  /** The name of the cluster. */
  readonly name: string
  /** How long a member stays that the source names no longer. */
  readonly keepMs: number
  /** The member that this process is itself; undefined when it is none. */
  readonly self?: string | undefined
}

/** Brings what a source says into a cluster. The start waits for nothing. */
export interface MemberFeed extends Startable {
  /** Why the members are not known yet; undefined from the first answer on. */
  missing(): string | undefined
  /** What is wrong although they are known: the source fails now, or does not name this process. */
  trouble(): string | undefined
  /** Resolves when the members are known. @throws ABORTED */
  known(options: AbortOptions): Promise<void>
}

export function memberFeed(components: MemberFeedComponents, init: MemberFeedInit): MemberFeed {
  return new Feed(components, init)
}

class Feed implements MemberFeed {
  readonly #components: MemberFeedComponents
  readonly #init: MemberFeedInit
  readonly #reads: Family<Counter, 'cluster' | 'outcome'>
  readonly #first = deferred()
  readonly #rounds: Startable
  #kept: readonly KeptMember[] = []
  #isKnown: boolean
  #isUnlisted = false
  #failures = 0
  #lastFailure: string | undefined

  constructor(components: MemberFeedComponents, init: MemberFeedInit) {
    const { clock, logger, metrics } = components
    this.#components = components
    this.#init = init
    this.#isKnown = components.cluster.members.length > 0
    if (this.#isKnown) this.#first.resolve()
    const help = 'Looks at the sources of the members of clusters, and what came of them.'
    this.#reads = metrics.counter({ name: 'shoal_cluster_reads_total', help }, ['cluster', 'outcome'])
    this.#rounds = rounds(clock, {
      work: (signal) => this.#look(signal),
      onFailure: (err) => logger.error('background task failed', { task: 'members', err }),
      retryMs: RETRY.maxMs,
    })
  }

  start(): Promise<void> {
    return this.#rounds.start()
  }

  stop(): Promise<void> {
    return this.#rounds.stop()
  }

  missing(): string | undefined {
    if (this.#isKnown) return undefined
    const { name } = this.#init
    return `waits for the members of ${name}: ${this.#lastFailure ?? `${this.#components.source.what} is being read`}`
  }

  trouble(): string | undefined {
    if (!this.#isKnown) return undefined
    const { name, self } = this.#init
    const unlisted = this.#isUnlisted ? [`MEMBER_UNLISTED: ${self} is none of the members of ${name}`] : []
    const stale = this.#lastFailure === undefined ? [] : [`${name} are those of before: ${this.#lastFailure}`]
    const all = [...unlisted, ...stale]
    return all.length === 0 ? undefined : all.join('; ')
  }

  known({ signal }: AbortOptions): Promise<void> {
    return abortable(this.#first.promise, signal)
  }

  /** One look; the pause until the next one. */
  async #look(signal: AbortSignal): Promise<number> {
    const { source, cluster, clock } = this.#components
    try {
      const { members, againMs } = await source.read({ signal })
      this.#kept = keptMembers(this.#kept, members, { nowMs: clock.monotonicMs(), keepMs: this.#init.keepMs })
      cluster.replace(this.#kept.map(({ member }) => member))
      this.#onRead()
      return againMs ?? LONGEST_MS
    } catch (err) {
      if (isAbort(err) && signal.aborted) throw err
      return this.#onFailed(err)
    }
  }

  #onRead(): void {
    const { logger, source, cluster } = this.#components
    const { name, self } = this.#init
    this.#reads.with({ cluster: name, outcome: 'ok' }).add()
    if (this.#lastFailure !== undefined) logger.info('the source of members answers again', { cluster: name })
    this.#lastFailure = undefined
    this.#failures = 0
    this.#isKnown = true
    this.#first.resolve()
    const isUnlisted = self !== undefined && !cluster.members.some(({ id }) => id === self)
    if (isUnlisted && !this.#isUnlisted) {
      const fields = { code: 'MEMBER_UNLISTED', cluster: name, member: self, source: source.what }
      logger.warn('this process is none of the members of its own ring', fields)
    }
    this.#isUnlisted = isUnlisted
  }

  #onFailed(err: unknown): number {
    const { logger, random, source } = this.#components
    const { name } = this.#init
    const code = codeOf(err) ?? 'UNKNOWN'
    this.#reads.with({ cluster: name, outcome: code === 'MEMBERS_NONE' ? 'empty' : 'failed' }).add()
    const level = this.#lastFailure === undefined ? 'warn' : 'debug'
    logger[level]('failed to read the members of a cluster; those of before stay', {
      ...{ cluster: name, source: source.what, err },
    })
    this.#lastFailure = `${code}: ${isAppError(err) ? err.message : source.what}`
    this.#failures += 1
    return LEAST_RETRY_MS + backoffMs(RETRY, this.#failures, random)
  }
}
