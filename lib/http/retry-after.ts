const LONGEST_WAIT_MS = 5 * 60_000

/**
 * The wait in a Retry-After header, seconds or a date, in milliseconds, at most five minutes; undefined when the header is
 * absent or malformed. `nowMs`: milliseconds since the epoch.
 */
export function retryAfterMs(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isNaN(waitMs) ? undefined : Math.min(LONGEST_WAIT_MS, Math.max(0, waitMs))
}
