import type { Clock, Startable, Timer } from '../../../lib/base/index.ts'
import type { Counter, Gauge } from '../../../lib/telemetry/index.ts'
import type { Reply } from './redis-connection.ts'
import type { RedisLink } from './redis-link.ts'
import type { StoreState } from './store-state.ts'
import { type Write, waitingWrites } from './waiting-writes.ts'

/** Writes that wait for redis. A later write of the same key takes the place of an earlier one. */
export interface WriteBehind extends Startable {
  put(key: string, write: Write): void
  /** Redis is there again, or may have room. */
  wake(): void
  /** Writes that wait. */
  readonly size: number
}

export interface WriteBehindComponents {
  readonly clock: Clock
  readonly link: Pick<RedisLink, 'run' | 'isUp'>
  readonly state: StoreState
  readonly meters: {
    readonly written: Counter
    /** There was no room for them. */
    readonly dropped: Counter
    /** Redis did not take them. */
    readonly refused: Counter
    readonly waiting: Gauge
  }
  /** Redis takes writes again after it had refused some. */
  readonly onRoom: () => void
}

/** Writes that wait at most, about 300 bytes each; beyond it the oldest is lost. */
export const MAX_WAITING = 200_000
/** Writes that are sent together. */
const BATCH = 500
/** From a write to its sending, and between two batches: what comes meanwhile goes together. */
const PAUSE_MS = 20

export function writeBehind({ clock, link, state, meters, onRoom }: WriteBehindComponents): WriteBehind {
  const waiting = waitingWrites(MAX_WAITING)
  let timer: Timer | undefined
  let sending: Promise<void> | undefined

  const put = (key: string, write: Write) => {
    if (!waiting.put(key, write)) meters.dropped.add()
  }
  const note = (replies: readonly Reply[]) => {
    const refused = replies.flatMap((reply) => ('refused' in reply ? [reply.refused] : []))
    meters.written.add(replies.length - refused.length)
    meters.refused.add(refused.length)
    if (refused.length > 0) state.change('full', refused[0])
    else if (state.condition === 'full') {
      state.change('up')
      onRoom()
    }
  }
  const send = async () => {
    const taken = waiting.take(BATCH)
    const calls = [...taken.values()].flatMap((write) => {
      const call = write(clock.monotonicMs())
      return call === undefined ? [] : [call]
    })
    try {
      note(await link.run(calls))
    } catch {
      // The connection is lost: what is newer stays, and the rest waits for the next one.
      for (const [key, write] of taken) if (!waiting.has(key)) put(key, write)
    }
  }
  const flush = () => {
    timer = undefined
    if (sending !== undefined || waiting.size === 0 || !link.isUp) return
    sending = send().finally(() => {
      sending = undefined
      meters.waiting.set(waiting.size)
      arm()
    })
  }
  const arm = () => {
    if (timer === undefined && sending === undefined && waiting.size > 0 && link.isUp)
      timer = clock.setTimer(PAUSE_MS, flush, { background: true })
  }

  return {
    put(key, write) {
      put(key, write)
      arm()
    },
    wake: arm,
    get size() {
      return waiting.size
    },
    start: () => Promise.resolve(),
    /** Sends what waits, as long as redis takes it. */
    async stop() {
      timer?.cancel()
      await sending
      timer?.cancel()
      while (waiting.size > 0 && link.isUp) await send()
    },
  }
}
