import type { Clock } from './clock.ts'
import { countCache } from './count-cache.ts'

/** Keys that are refused for a time: the first time for `firstMs`, each further time for twice as long as before. */
export interface RefusedKeys {
  /** Milliseconds until the key is free again; 0 when it is free. */
  leftMs(key: string): number
  /** It was refused at some time and not cleared since; it may be free again. */
  has(key: string): boolean
  /** Refuses it from now on. */
  add(key: string): void
  /** Forgets it: the next time is a first time again. */
  clear(key: string): void
}

export interface RefusedKeysInit {
  readonly firstMs: number
  /** No refusal is longer than this. */
  readonly longestMs: number
  /** Keys remembered; the one that was refused longest ago makes room. */
  readonly maxEntries: number
}

interface Refusal {
  /** On the monotonic clock. */
  readonly untilMs: number
  readonly lastsMs: number
}

export function refusedKeys(clock: Pick<Clock, 'monotonicMs'>, init: RefusedKeysInit): RefusedKeys {
  const { firstMs, longestMs, maxEntries } = init
  // Without an age: how long the last refusal was must be known after its end.
  const refusals = countCache<Refusal>(clock, { maxEntries })
  return {
    leftMs: (key) => Math.max(0, (refusals.get(key)?.untilMs ?? 0) - clock.monotonicMs()),
    has: (key) => refusals.get(key) !== undefined,
    add(key) {
      const before = refusals.get(key)
      const lastsMs = Math.min(longestMs, before === undefined ? firstMs : before.lastsMs * 2)
      refusals.set(key, { untilMs: clock.monotonicMs() + lastsMs, lastsMs })
    },
    clear: (key) => refusals.delete(key),
  }
}
