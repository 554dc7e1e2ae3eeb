/** What one asker has measured of a peer since its last report. */
export interface Measured {
  readonly bytes: number
  /** Blocks or dials that came to nothing. */
  readonly failures: number
  /** Total time that it waited for the blocks it got; undefined when it does not say. */
  readonly costMs?: number | undefined
}

/** What others cost, in milliseconds for each MiB, and how many of them there are. */
export interface Usual {
  readonly count: number
  readonly mean: number
  readonly sigma: number
}

/** With so many costs of others, their deviation can be relied on. */
export const FULL_WINDOW = 30
/** With fewer, nothing is usual. */
const FEW = 3
const SIGMAS = 3
/** Less is never abnormal. */
const TIMES_MEAN = 20
/** Milliseconds for each MiB. Less is never abnormal either, however fast others are: 2 MiB/s are of use. */
const LEAST_COST = 500
/** So many askers must say the same. */
export const SEVERAL = 3
const MIB = 1024 * 1024
/** Fewer bytes say nothing of a rate. */
const LEAST_BYTES = 64 * 1024
/** A failure counts as one block that did not come. */
const FAILED_BYTES = 16 * 1024
/** A cost counts as no more, so that one report cannot change what is usual for ever. */
const MOST_MS = 600_000

/** Milliseconds for each MiB; undefined when the report does not tell. */
export function costOf({ bytes, costMs }: Measured): number | undefined {
  return costMs === undefined || bytes < LEAST_BYTES ? undefined : Math.min(MOST_MS, (costMs * MIB) / bytes)
}

/** What one asker pays at a peer that gives to so many. */
export interface Paid {
  readonly cost: number
  readonly askers: number
}

/**
 * The rule of costs: far above the mean, and outside of the deviation once there are enough of them. Askers share what a
 * peer gives: whom many ask at once, such as the first seeder, costs each of them as many times more, and is not sick.
 */
export function isAbnormal({ cost, askers }: Paid, { count, mean, sigma }: Usual): boolean {
  if (count < FEW) return false
  return cost / askers > Math.max(LEAST_COST, TIMES_MEAN * mean, count < FULL_WINDOW ? 0 : mean + SIGMAS * sigma)
}

/** The rule of failures: at least half of what was asked for did not come. */
export function isFailing({ bytes, failures }: Measured): boolean {
  return failures > 0 && failures * FAILED_BYTES >= bytes
}

/** The rule of numbers: several askers say so, and they are more than half. */
export function isAgreed(saying: number, heard: number): boolean {
  return saying >= SEVERAL && saying * 2 > heard
}
