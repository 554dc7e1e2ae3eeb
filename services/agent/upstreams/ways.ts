import {
  type AbortOptions,
  appError,
  type Breaker,
  type BreakerVerdict,
  breaker,
  type Clock,
  deadline,
  hasCode,
  isAppError,
  type Random,
} from '../../../lib/base/index.ts'

/** Registries of others of which it is known that the cluster does not bring their images now. */
const MAX_BROKEN = 1000
/** Between two questions whether it does again. */
const PAUSE = { baseMs: 1_000, maxMs: 30_000 }
/** Outages in a row that a service of the cluster tells itself, until they count as no answer. */
const DOUBTS = 5

export interface WaysComponents {
  readonly clock: Clock
  readonly random: Random
}

export interface WaysInit {
  /** Longest wait for the cluster, in milliseconds. */
  readonly waitMs: number
}

/** The ways through the cluster to registries of others: a pull waits for a broken one once, and for no longer than `waitMs`. */
export interface Ways {
  /**
   * What `work` gives. Its signal fires with that of the caller, and when the time is over. After it failed so, callers
   * fail at once, and `work` is done in the background to see whether the way is whole again; `drop` gets what that gave.
   * @throws UPSTREAM_UNREACHABLE, ABORTED, and what `work` throws
   */
  go<T>(registry: string, work: (signal: AbortSignal) => Promise<T>, options?: GoOptions<T>): Promise<T>
  /** Counts for what begins from now on. */
  setWaitMs(waitMs: number): void
}

export interface GoOptions<T> extends AbortOptions {
  readonly drop?: (result: T) => void
}

export function ways({ clock, random }: WaysComponents, init: WaysInit): Ways {
  let { waitMs: longestMs } = init
  const all: Breaker = breaker(
    { clock, random },
    {
      maxNames: MAX_BROKEN,
      pause: PAUSE,
      doubts: DOUBTS,
      verdict: wayVerdict,
      broken: (registry, { retryAfterMs, cause }) =>
        appError('UPSTREAM_UNREACHABLE', {
          message: 'the cluster does not bring images of this registry now',
          detail: { registry, retryAfterMs },
          cause,
        }),
    },
  )
  const within = async <T>(work: (signal: AbortSignal) => Promise<T>, { signal }: AbortOptions): Promise<T> => {
    const waitMs = longestMs
    const limit = deadline(clock, waitMs, signal)
    try {
      return await work(limit.signal)
    } catch (err) {
      throw limit.expired ? appError('REQUEST_TIMEOUT', { detail: { waitMs }, cause: err }) : err
    } finally {
      limit.release()
    }
  }
  return {
    go: (registry, work, { signal, drop = () => undefined } = {}) =>
      all.run(registry, {
        work: () => within(work, { signal }),
        probe: async () => drop(await within(work, {})),
      }),
    setWaitMs(waitMs) {
      longestMs = waitMs
    },
  }
}

/** What the cluster says of an upstream, or of what is asked for, shows that the way to the cluster is whole. */
function wayVerdict(err: unknown): BreakerVerdict {
  if (!isAppError(err) || hasCode(err, 'ABORTED', 'SHUTTING_DOWN')) return 'none'
  if (hasCode(err, ...silences)) return 'broken'
  return hasCode(err, 'UNAVAILABLE', 'UNKNOWN') ? 'doubt' : 'whole'
}

/** Nobody has answered. */
const silences = [
  'NO_HEALTHY_MEMBER',
  'PEER_CLOSED',
  'REQUEST_TIMEOUT',
  'SOURCES_EXHAUSTED',
  'STALLED',
  'METAINFO_INCOMPLETE',
] as const
