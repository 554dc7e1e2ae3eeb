import {
  type AbortOptions,
  abortController,
  anySignal,
  appError,
  type Clock,
  deadline,
  throwIfAborted,
  tokenBucket,
} from '../../base/index.ts'
import { mostUrgent, type Urgency } from '../urgency.ts'
import type { Pauses } from './pauses.ts'
import { type TurnOptions, urgentFirst } from './urgent-first.ts'

export interface TurnsInit {
  /** Most requests per second; undefined means no limit. */
  readonly requests: number | undefined
  /** Longest wait for a turn, in milliseconds. */
  readonly wait: number
}

/** Decides when a request may be sent: not during a pause, not above the request rate, and the most urgent first. */
export interface Turns {
  /** @throws BACKEND_THROTTLED when the turn would come after more than `wait`, ABORTED */
  next(options: TurnOptions): Promise<void>
}

export function turns(
  { clock, pause }: { readonly clock: Clock; readonly pause: Pauses },
  { requests, wait }: TurnsInit,
): Turns {
  const queue = urgentFirst(tokenBucket(clock, { ratePerSecond: requests }))

  const ready = async (urgency: Urgency, { signal }: AbortOptions) => {
    const leftMs = () => pause.remainingFor(urgency.priority)
    for (;;) {
      while (leftMs() > 0) {
        if (leftMs() > wait) throw tooLong('the backend asked to slow down for longer', leftMs())
        await sleepOrRaised(clock, pause.sleepFor(urgency.priority), { urgency, signal })
      }
      await queue.take(1, { urgency, signal })
      if (leftMs() === 0) return
      queue.giveBack(1)
    }
  }

  return {
    async next({ signal, urgency = mostUrgent }) {
      const limit = deadline(clock, wait, signal)
      try {
        await ready(urgency, limit)
      } catch (err) {
        if (limit.expired) throw tooLong('too many requests wait for their turn', pause.remainingFor(urgency.priority))
        throw err
      } finally {
        limit.release()
      }
    },
  }
}

/** Sleeps, at most until it becomes more urgent: then perhaps no pause is left. @throws ABORTED */
async function sleepOrRaised(
  clock: Clock,
  ms: number,
  { urgency, signal }: AbortOptions & { readonly urgency: Urgency },
): Promise<void> {
  const raised = abortController()
  const ignore = urgency.onRaise(() => raised.abort())
  try {
    await clock.sleep(ms, { signal: signal === undefined ? raised.signal : anySignal([signal, raised.signal]) })
  } catch (err) {
    throwIfAborted(signal)
    if (!raised.signal.aborted) throw err
  } finally {
    ignore()
  }
}

function tooLong(what: string, remainingMs: number) {
  return appError('BACKEND_THROTTLED', {
    message: `${what} than limits.wait allows; raise the quota of the backend, or the limits of its rule`,
    ...(remainingMs > 0 ? { detail: { retryAfterMs: Math.ceil(remainingMs) } } : {}),
  })
}
