import { type Clock, codeOf, isAbort } from '../../base/index.ts'
import type { Governor } from '../governor.ts'

/** How an upstream is used by this process. */
export interface UpstreamUsage {
  /** The same governor, whose requests are counted. */
  watched(governor: Governor): Governor
  /** Somebody waits for an answer. */
  readonly isInUse: boolean
  /** Questions since the start, also those that were refused at once; probes do not count. */
  readonly requests: number
  /** The last failure, with the milliseconds since then. */
  readonly lastError: { readonly code: string; readonly ageMs: number } | undefined
}

export interface UpstreamUsageComponents {
  readonly clock: Clock
  /** Told when the upstream has given something that was asked for. */
  readonly onFound: () => void
}

export function upstreamUsage({ clock, onFound }: UpstreamUsageComponents): UpstreamUsage {
  let [running, requests] = [0, 0]
  let failed: { readonly code: string; readonly atMs: number } | undefined

  return {
    watched: (governor) => ({
      ...governor,
      async request(...asked) {
        running += 1
        requests += 1
        try {
          const result = await governor.request(...asked)
          if (result !== undefined) onFound()
          return result
        } catch (err) {
          if (!isAbort(err)) failed = { code: codeOf(err) ?? 'UNKNOWN', atMs: clock.monotonicMs() }
          throw err
        } finally {
          running -= 1
        }
      },
    }),
    get isInUse() {
      return running > 0
    },
    get requests() {
      return requests
    },
    get lastError() {
      return failed && { code: failed.code, ageMs: Math.round(clock.monotonicMs() - failed.atMs) }
    },
  }
}
