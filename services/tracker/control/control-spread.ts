import type { ControlClient, ControlEntry, Holds } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, type Random, rounds, type Startable } from '../../../lib/base/index.ts'
import { type Cluster, isMemberFailure, type Member } from '../../../lib/cluster/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { Control } from './control.ts'

/** Between two looks at what the other trackers have; and how much longer at most, so that they do not look together. */
const PAUSE_MS = 15_000
const SPREAD_MS = 5_000

interface OtherTracker {
  readonly id: string
  readonly client: ControlClient
}

export interface ControlSpreadComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly control: Pick<Control, 'learn' | 'words'>
  /** All trackers, this one among them. */
  readonly trackers: Cluster
  readonly client: (tracker: Member) => ControlClient
}

export interface ControlSpreadInit {
  /** The member that this tracker is. */
  readonly self: string
}

/**
 * Brings what admins have said to all trackers: a change is told at once, and every tracker looks regularly, from its start
 * on, whether another has later words. So one that was away has them soon after it is back, from whichever is there.
 */
export interface ControlSpread extends Startable {
  /** Tells the others of a change; returns when they have answered, or are taken to be away. */
  tell(entry: ControlEntry): Promise<Holds>
}

export function controlSpread(components: ControlSpreadComponents, { self }: ControlSpreadInit): ControlSpread {
  const { clock, random, logger, control, trackers } = components
  const othersNow = () => others(components, self)
  let looks = 0
  // Trackers that start together find each other with the second look.
  const notes = awayNotes({ logger, trackers, isEarly: () => looks === 1 })
  const ask = async ({ id, client }: OtherTracker, signal: AbortSignal) => {
    try {
      await readAll(client, control, { signal })
      notes.note(id)
    } catch (err) {
      if (!signal.aborted) notes.note(id, err)
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
    async tell(entry) {
      const now = othersNow()
      const told = now.map(async ({ id, client }) => {
        try {
          await client.tell([entry])
          notes.note(id)
          return []
        } catch (err) {
          notes.note(id, err)
          return [id]
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

const others = ({ trackers, client }: ControlSpreadComponents, self: string): readonly OtherTracker[] =>
  trackers.members.filter(({ id }) => id !== self).map((member) => ({ id: member.id, client: client(member) }))

interface AwayNotesInit extends Pick<ControlSpreadComponents, 'logger' | 'trackers'> {
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
    forget(others: readonly OtherTracker[]): void {
      for (const id of away) if (!others.some((other) => other.id === id)) away.delete(id)
    },
  }
}

/** Takes every word of another tracker that is later than ours. @throws what its client throws, and `learn` */
async function readAll(
  client: ControlClient,
  control: ControlSpreadComponents['control'],
  options: AbortOptions,
): Promise<void> {
  let last: string | undefined
  const failures: unknown[] = []
  do {
    const { entries, next } = await client.page({ hash: control.words.hash, last }, options)
    await control.learn(entries).catch((err: unknown) => failures.push(err))
    last = next
  } while (last !== undefined)
  if (failures.length > 0) throw failures[0]
}
