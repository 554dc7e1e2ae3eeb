import type { WholeSwarm } from '../../../lib/api/index.ts'
import { appError, background, type Clock, hasCode, isAbort, type Startable } from '../../../lib/base/index.ts'
import type { SentEvent } from '../../../lib/http/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { swarmDelta } from './swarm-delta.ts'
import type { SwarmViews } from './swarm-views.ts'

/** Swarms that are watched at one time, by however many people. */
const MAX_WATCHED = 64
/** Pause between two looks at a watched swarm. */
const LOOK_MS = 1_000
/** Said of a swarm that nobody has any more, and of one whose cluster has been removed. */
const GONE = ['SWARM_UNKNOWN', 'CLUSTER_UNKNOWN'] as const

export interface LiveSwarmsComponents {
  readonly views: Pick<SwarmViews, 'whole'>
  readonly clock: Clock
  readonly logger: Logger
}

type Send = (event: SentEvent) => void

/** Swarms that people watch. All who watch one share one look a second at its trackers. */
export interface LiveSwarms extends Startable {
  /**
   * Tells of a swarm until the result is called: `whole` first, then each `delta`, and `ended` when nobody is left.
   * @throws TOOMANYREQUESTS when too many swarms are watched, and what the first look throws
   */
  watch(cluster: string, swarm: string, options: { readonly signal: AbortSignal }): Promise<Watch>
}

export interface Watch {
  readonly first: WholeSwarm
  listen(send: Send): () => void
}

const tell = ({ listeners }: Pick<Watched, 'listeners'>, event: SentEvent) => {
  for (const send of listeners) send(event)
}

interface Watched {
  now: WholeSwarm
  readonly listeners: Set<Send>
  isOver: boolean
}

export function liveSwarms({ views, clock, logger }: LiveSwarmsComponents): LiveSwarms {
  const watched = new Map<string, Watched>()
  const tasks = background((name, err) => logger.warn('a swarm is not watched any more', { name, err }))

  const follow = async (
    key: string,
    each: Watched,
    look: (signal: AbortSignal) => Promise<WholeSwarm>,
    end: AbortSignal,
  ) => {
    try {
      while (each.listeners.size > 0) {
        await clock.sleep(LOOK_MS, { signal: end })
        if (each.listeners.size === 0) return
        try {
          const now = await look(end)
          const delta = swarmDelta(each.now, now)
          each.now = now
          if (delta !== undefined) tell(each, { event: 'delta', data: delta })
        } catch (err) {
          if (isAbort(err)) return
          if (hasCode(err, ...GONE)) {
            tell(each, { event: 'ended', data: {} })
            return
          }
          logger.debug('failed to look at a watched swarm', { err })
        }
      }
    } finally {
      each.isOver = true
      if (watched.get(key) === each) watched.delete(key)
    }
  }

  return {
    start: () => tasks.start(),
    stop: () => tasks.stop(),
    async watch(cluster, swarm, { signal }) {
      const key = `${cluster}/${swarm}`
      const look = (end: AbortSignal) => views.whole(cluster, swarm, { signal: end })
      if (!watched.has(key) && watched.size >= MAX_WATCHED) throw appError('TOOMANYREQUESTS')
      const first = watched.get(key)?.now ?? (await look(signal))
      return {
        first,
        listen(send) {
          const known = watched.get(key)
          const each: Watched =
            known === undefined || known.isOver ? { now: first, listeners: new Set(), isOver: false } : known
          each.listeners.add(send)
          send({ event: 'whole', data: each.now })
          if (each !== known) {
            watched.set(key, each)
            tasks.run(key, (end) => follow(key, each, look, end))
          }
          return () => each.listeners.delete(send)
        },
      }
    },
  }
}
