/** A time of day in UTC, in minutes; a window whose end is not after its beginning goes over midnight. */
export interface DayWindow {
  readonly from: number
  readonly to: number
}

const DAY_MS = 24 * 60 * 60_000
const MINUTE_MS = 60_000

/** How long one of the windows stays open, in milliseconds; 0 when none is open. Without windows it is always open. */
export function openForMs(windows: readonly DayWindow[], now: number): number {
  if (windows.length === 0) return Number.POSITIVE_INFINITY
  const dayMs = now % DAY_MS
  return Math.max(
    ...windows.map(({ from, to }) => {
      const lengthMs = lengthOf(from, to)
      const sinceMs = (dayMs - from * MINUTE_MS + DAY_MS) % DAY_MS
      return Math.max(0, lengthMs - sinceMs)
    }),
  )
}

/** How long until one of the windows opens, in milliseconds; 0 when one is open. */
export function opensInMs(windows: readonly DayWindow[], now: number): number {
  if (openForMs(windows, now) > 0) return 0
  const dayMs = now % DAY_MS
  return Math.min(...windows.map(({ from }) => (from * MINUTE_MS - dayMs + DAY_MS) % DAY_MS))
}

function lengthOf(from: number, to: number): number {
  const minutes = (to - from + 24 * 60) % (24 * 60)
  return minutes === 0 ? DAY_MS : minutes * MINUTE_MS
}

/** A time of day as configs write it. */
export const timeText = (minutes: number): string =>
  [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':')
