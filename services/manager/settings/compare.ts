/** What hosts have counted together. */
export interface Counts {
  readonly pulls: number
  readonly errors: number
  readonly stalls: number
}

export const noCounts: Counts = { pulls: 0, errors: 0, stalls: 0 }

export const plus = (a: Counts, b: Counts): Counts => ({
  pulls: a.pulls + b.pulls,
  errors: a.errors + b.errors,
  stalls: a.stalls + b.stalls,
})

/** What a host has counted since `base`. Less than before means that it has begun anew, at zero. */
export function since(base: Counts, now: Counts): Counts {
  if (now.pulls < base.pulls || now.errors < base.errors || now.stalls < base.stalls) return now
  return { pulls: now.pulls - base.pulls, errors: now.errors - base.errors, stalls: now.stalls - base.stalls }
}

/** When a rise is more than chance. */
export interface CompareLimits {
  /** Fewer pulls say nothing. */
  readonly minPulls: number
  /** A rise of at most so many errors, or stalls, per 100 pulls is let pass, however sure it is. */
  readonly errorsPerHundred: number
  readonly stallsPerHundred: number
  /** A rise counts when chance alone gives one as large less often than this. */
  readonly chance: number
}

/** `tooFew`: not worse, as far as so few pulls say anything. */
export type Comparison = 'worse' | 'tooFew' | 'good'

/** A pull that stalls may never end, so what went wrong counts as tried, too. */
const tries = ({ pulls, errors, stalls }: Counts): number => Math.max(pulls, errors, stalls)

/**
 * Compares those that have new settings with others, or with before. The rule, for errors and for stalls by themselves: it
 * is worse if at least `minPulls` were tried, the share has risen by more than the limit, and the exact conditional test of
 * two Poisson rates says that chance gives this less often than `chance`. If fewer than `minPulls` were tried on the other
 * side, as many tries as are missing are taken to have gone well there.
 */
export function compare(those: Counts, others: Counts, limits: CompareLimits): Comparison {
  const tried = tries(those)
  if (tried < limits.minPulls) return 'tooFew'
  const otherTries = Math.max(tries(others), limits.minPulls, 1)
  const isWorse = (count: number, other: number, perHundred: number) => {
    if (count / tried - other / otherTries <= perHundred / 100) return false
    return binomialTail(count, count + other, tried / (tried + otherTries)) < limits.chance
  }
  const worse =
    tried > 0 &&
    (isWorse(those.errors, others.errors, limits.errorsPerHundred) ||
      isWorse(those.stalls, others.stalls, limits.stallsPerHundred))
  return worse ? 'worse' : 'good'
}

/** Terms that change the sum by less than this share are left out. */
const TINY = 1e-12

/** The chance of at least `count` hits in `tries`, each with the chance `p`; 1 when that is no more than expected. */
export function binomialTail(count: number, tries: number, p: number): number {
  if (count <= tries * p) return 1
  let term = Math.exp(
    logFactorial(tries) -
      logFactorial(count) -
      logFactorial(tries - count) +
      count * Math.log(p) +
      (tries === count ? 0 : (tries - count) * Math.log1p(-p)),
  )
  let sum = term
  for (let i = count; i < tries && term > sum * TINY; i += 1) {
    term *= ((tries - i) / (i + 1)) * (p / (1 - p))
    sum += term
  }
  return Math.min(1, sum)
}

/** Above this, Stirling's series is exact enough. */
const SMALL = 32

function logFactorial(n: number): number {
  if (n < SMALL) {
    let sum = 0
    for (let i = 2; i <= n; i += 1) sum += Math.log(i)
    return sum
  }
  return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n) - 1 / (360 * n ** 3)
}
