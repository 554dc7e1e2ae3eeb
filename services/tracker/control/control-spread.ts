import type { ControlClient, ControlEntry, Holds } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, type Random, rounds, type Startable } from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { Control } from './control.ts'

/** Between two looks at what the other trackers have; and how much longer at most, so that they do not look together. */
const PAUSE_MS = 15_000
const SPREAD_MS = 5_000

export interface OtherTracker {
  readonly id: string
  readonly client: ControlClient
}

export interface ControlSpreadComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly control: Pick<Control, 'learn' | 'words'>
  readonly others: readonly OtherTracker[]
}

/**
 * Brings what admins have said to all trackers: a change is told at once, and every tracker looks regularly, from its start
 * on, whether another has later words. So one that was away has them soon after it is back, from whichever is there.
 */
export interface ControlSpread extends Startable {
  /** Tells the others of a change; returns when they have answered, or are taken to be away. */
  tell(entry: ControlEntry): Promise<Holds>
}

export function controlSpread(components: ControlSpreadComponents): ControlSpread {
  const { clock, random, logger, control, others } = components
  const away = new Set<string>()

  /** What changes is logged, once. */
  const note = (id: string, err?: unknown) => {
    if (err === undefined && away.delete(id)) logger.info('a tracker has what admins said', { tracker: id })
    if (err === undefined || away.has(id)) return
    // Trackers that start together find each other with the second look.
    if (looks === 1) {
      logger.debug('a tracker is not there yet', { tracker: id, err })
      return
    }
    away.add(id)
    logger.warn('failed to exchange with a tracker what admins said', { tracker: id, err })
  }
  const ask = async ({ id, client }: OtherTracker, signal: AbortSignal) => {
    try {
      await readAll(client, control, { signal })
      note(id)
    } catch (err) {
      if (!signal.aborted) note(id, err)
    }
  }
  let looks = 0
  const looking = rounds(clock, {
    async work(signal) {
      looks += 1
      await Promise.all(others.map((other) => ask(other, signal)))
      return PAUSE_MS + random.next() * SPREAD_MS
    },
    onFailure: (err) => logger.warn('failed to ask other trackers what admins said', { err }),
    retryMs: PAUSE_MS,
  })

  return {
    async tell(entry) {
      const told = others.map(async ({ id, client }) => {
        try {
          await client.tell([entry])
          note(id)
          return []
        } catch (err) {
          note(id, err)
          return [id]
        }
      })
      const missing = (await Promise.all(told)).flat()
      return { at: 1 + others.length - missing.length, of: 1 + others.length, missing }
    },
    start: () => (others.length === 0 ? Promise.resolve() : looking.start()),
    stop: () => looking.stop(),
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
