import type { Holds } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, type Random, rounds, type Startable } from '../../../lib/base/index.ts'
import { type Cluster, isMemberFailure, type Member } from '../../../lib/cluster/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'

/** Between two looks at what the other trackers have; and how much longer at most, so that they do not look together. */
const PAUSE_MS = 15_000
const SPREAD_MS = 5_000

export interface SpreadComponents<Said> {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** All trackers, this one among them. */
  readonly trackers: Cluster
  readonly tell: (tracker: Member, said: Said) => Promise<void>
  /** Takes all of another tracker that is later than what is here. */
  readonly read: (tracker: Member, options: AbortOptions) => Promise<void>
}

export interface SpreadInit {
  /** The member that this tracker is. */
  readonly self: string
}

/**
 * Brings what was said to one tracker to all: a change is told at once, and every tracker looks regularly, from its start
 * on, whether another has later words. So one that was away has them soon after it is back, from whichever is there.
 */
export interface Spread<Said> extends Startable {
  /** Tells the others of a change; returns when they have answered, or are taken to be away. */
  tell(said: Said): Promise<Holds>
}

export function spread<Said>(components: SpreadComponents<Said>, { self }: SpreadInit): Spread<Said> {
  const { clock, random, logger, trackers } = components
  const othersNow = () => trackers.members.filter(({ id }) => id !== self)
  let looks = 0
  // Trackers that start together find each other with the second look.
  const notes = awayNotes({ logger, trackers, isEarly: () => looks === 1 })
  const ask = async (other: Member, signal: AbortSignal) => {
    try {
      await components.read(other, { signal })
      notes.note(other.id)
    } catch (err) {
      if (!signal.aborted) notes.note(other.id, err)
    }
  }
  let unfollow: (() => void) | undefined
  const looking = rounds(clock, {
    async work(signal) {
      looks += 1
      const now = othersNow()
      notes.forget(now)
      await Promise.all(now.map((other) => ask(other, signal)))
      return PAUSE_MS + random.next() * SPREAD_MS
    },
    onFailure: (err) => logger.warn('failed to ask other trackers what admins said', { err }),
    retryMs: PAUSE_MS,
  })

  return {
    async tell(said) {
      const now = othersNow()
      const told = now.map(async (other) => {
        try {
          await components.tell(other, said)
          notes.note(other.id)
          return []
        } catch (err) {
          notes.note(other.id, err)
          return [other.id]
        }
      })
      const missing = (await Promise.all(told)).flat()
      return { at: 1 + now.length - missing.length, of: 1 + now.length, missing }
    },
    async start() {
      await looking.start()
      unfollow ??= trackers.onChange(() => looking.ask())
    },
    async stop() {
      unfollow?.()
      unfollow = undefined
      await looking.stop()
    },
  }
}

interface AwayNotesInit extends Pick<SpreadComponents<never>, 'logger' | 'trackers'> {
  readonly isEarly: () => boolean
}

/** Which trackers do not answer. What changes is logged, once. */
function awayNotes({ logger, trackers, isEarly }: AwayNotesInit) {
  const away = new Set<string>()
  return {
    note(id: string, err?: unknown): void {
      trackers.report(id, err === undefined || !isMemberFailure(err) ? 'ok' : 'failed')
      if (err === undefined && away.delete(id)) logger.info('a tracker has what admins said', { tracker: id })
      if (err === undefined || away.has(id)) return
      if (isEarly()) {
        logger.debug('a tracker is not there yet', { tracker: id, err })
        return
      }
      away.add(id)
      logger.warn('failed to exchange with a tracker what admins said', { tracker: id, err })
    },
    /** Others are no trackers any more. */
    forget(others: readonly Member[]): void {
      for (const id of away) if (!others.some((other) => other.id === id)) away.delete(id)
    },
  }
}
