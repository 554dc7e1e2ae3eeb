import { isDeepStrictEqual } from 'node:util'
import {
  type AbortOptions,
  abortable,
  abortController,
  background,
  type Clock,
  hasCode,
  type Startable,
  slots,
  WAITS_OF_LIFE,
} from '../../../../lib/base/index.ts'
import type { Logger } from '../../../../lib/telemetry/index.ts'
import type { IndexRecords } from '../../index-records.ts'
import type { Follower } from '../follower.ts'
import type { FollowerChanges } from '../follower-changes.ts'
import type { Remote } from '../remote.ts'
import { replicationKeys } from '../replication-keys.ts'
import { type KeptRemotes, nothingKept, parseKept } from './kept-remotes.ts'
import { type PlanInit, planRemotes, type RemotePlan } from './remote-plan.ts'
import { type Roster, type RosterComponents, roster } from './roster.ts'

/** Pause between two looks at what is given. */
const LOOK_MS = 3_000
/** A tag is changed, and an order is taken, by what was given up to so long ago. */
export const FRESH_MS = 10_000

export interface LiveFollowersComponents extends RosterComponents {
  readonly clock: Clock
  readonly logger: Logger
  /** Where that lies which is given. */
  readonly records: IndexRecords
}

export interface LiveFollowersInit extends PlanInit {
  /** Default: three seconds. */
  readonly lookMs?: number | undefined
}

/**
 * The followers of a cluster that is given some. What is given is one record in the backend, at which every build-index
 * looks again and again.
 */
export interface LiveFollowers extends Startable, FollowerChanges {
  readonly remotes: ReadonlyMap<string, Remote>
  readonly all: ReadonlyMap<string, Follower>
  /** What is given, as the backend has it now. @throws BACKEND_CORRUPT when it cannot be read, BACKEND_UNAVAILABLE */
  kept(options: AbortOptions): Promise<KeptRemotes>
  /**
   * Changes what is given. It is durable, and counts here, when this returns. `decide` returns undefined to leave it, and
   * may throw; it is called again when another build-index was faster. The result is what is kept then.
   */
  change(decide: (kept: KeptRemotes) => KeptRemotes | undefined, options: AbortOptions): Promise<KeptRemotes>
}

export function liveFollowers(components: LiveFollowersComponents, init: LiveFollowersInit): LiveFollowers {
  return new Following(components, init)
}

class Following implements LiveFollowers {
  readonly #components: LiveFollowersComponents
  readonly #init: LiveFollowersInit
  readonly #roster: Roster
  readonly #turns = slots(1)
  readonly #life = abortController(WAITS_OF_LIFE)
  #kept = nothingKept
  #plans: ReadonlyMap<string, RemotePlan>
  #next = abortController(WAITS_OF_LIFE)
  /** A look that has not begun yet: whoever asks meanwhile shares it. */
  #pending: Promise<void> | undefined
  /** When that was asked for which is known here, on the monotonic clock. */
  #askedMs = Number.NEGATIVE_INFINITY
  #trouble: string | undefined
  #looking = background(() => undefined)

  constructor(components: LiveFollowersComponents, init: LiveFollowersInit) {
    this.#components = components
    this.#init = init
    this.#plans = planRemotes(init, nothingKept)
    this.#roster = roster(components, this.#plans)
  }

  get remotes() {
    return this.#roster.remotes
  }

  get all() {
    return this.#roster.all
  }

  get next() {
    return this.#next.signal
  }

  isGone(name: string): boolean {
    return this.#kept.gone[name] !== undefined
  }

  async start(): Promise<void> {
    await this.#roster.start()
    const { logger, clock } = this.#components
    this.#looking = background((task, err) => logger.error('background task failed', { task, err }))
    this.#looking.run('look at the given remotes', async (signal) => {
      for (;;) {
        await this.look({ signal }).then(
          () => this.#tell(undefined, undefined),
          (err: unknown) => this.#tell('the remotes that are given could not be looked at; it is tried again', err),
        )
        await clock.sleep(this.#init.lookMs ?? LOOK_MS, { signal })
      }
    })
  }

  async stop(): Promise<void> {
    this.#life.abort()
    await this.#looking.stop()
    await this.#turns.run(() => this.#roster.stop())
  }

  async fresh(options: AbortOptions = {}): Promise<void> {
    const { clock } = this.#components
    if (clock.monotonicMs() - this.#askedMs > FRESH_MS) await this.look(options)
  }

  look({ signal }: AbortOptions = {}): Promise<void> {
    this.#pending ??= this.#turns.run(
      async () => {
        this.#pending = undefined
        await this.#look()
      },
      { signal: this.#life.signal },
    )
    return abortable(this.#pending, signal)
  }

  async kept(options: AbortOptions): Promise<KeptRemotes> {
    const found = await this.#components.records.read(replicationKeys.remotes, parseKept, options)
    return found?.value ?? nothingKept
  }

  change(decide: (kept: KeptRemotes) => KeptRemotes | undefined, options: AbortOptions): Promise<KeptRemotes> {
    return this.#turns.run(async () => {
      let after = nothingKept
      const decided = (found: KeptRemotes | undefined) => {
        const before = found ?? nothingKept
        const made = decide(before)
        after = made ?? before
        return made
      }
      await this.#components.records.change(replicationKeys.remotes, { parse: parseKept, decide: decided }, options)
      await this.#take(after)
      return after
    }, options)
  }

  async #look(): Promise<void> {
    const { signal } = this.#life
    const askedMs = this.#components.clock.monotonicMs()
    try {
      await this.#take(await this.kept({ signal }))
    } catch (err) {
      if (!hasCode(err, 'BACKEND_CORRUPT')) throw err
      // What was known stays; when somebody gives remotes again, all their rules are new.
      this.#tell('what is kept of the given remotes cannot be read; give them again', err)
    }
    this.#askedMs = askedMs
  }

  async #take(kept: KeptRemotes): Promise<void> {
    const plans = planRemotes(this.#init, kept)
    this.#kept = kept
    if (isSamePlan(this.#plans, plans)) return
    await this.#roster.change(plans, () => {
      const fired = this.#next
      this.#next = abortController(WAITS_OF_LIFE)
      fired.abort()
    })
    this.#plans = plans
    const { logger } = this.#components
    logger.info('the remotes of this cluster have changed', { revision: kept.revision, remotes: [...plans.keys()] })
  }

  /** Each trouble once, until it is over. */
  #tell(trouble: string | undefined, err: unknown): void {
    if (trouble !== undefined && trouble !== this.#trouble && !this.#life.signal.aborted)
      this.#components.logger.warn(trouble, { err })
    this.#trouble = trouble
  }
}

const partsOf = (plans: ReadonlyMap<string, RemotePlan>) =>
  [...plans].map(([name, { sameness, rules }]) => ({ name, sameness, rules }))

const isSamePlan = (a: ReadonlyMap<string, RemotePlan>, b: ReadonlyMap<string, RemotePlan>) =>
  isDeepStrictEqual(partsOf(a), partsOf(b))
