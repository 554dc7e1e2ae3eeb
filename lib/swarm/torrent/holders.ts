import type { Clock } from '../../base/index.ts'

/** Who has a torrent open. */
export interface Holders {
  /** Call the result once. */
  hold(): () => void
  /** For how long nobody has; undefined while somebody has. */
  idleMs(nowMs: number): number | undefined
}

export function holders(clock: Clock): Holders {
  let count = 0
  let sinceMs = clock.monotonicMs()
  return {
    hold() {
      count += 1
      return () => {
        count -= 1
        sinceMs = clock.monotonicMs()
      }
    },
    idleMs: (nowMs) => (count > 0 ? undefined : nowMs - sinceMs),
  }
}
