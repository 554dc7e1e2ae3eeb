import { SEVERAL, type Usual } from './health.ts'

/** A cost that one asker has told, in milliseconds for each MiB. */
export interface ToldCost {
  readonly asker: string
  readonly cost: number
}

/** Of one asker the newest so many costs count. */
export const COSTS_OF_ASKER = 4
/** What all costs of an asker weigh together: a number that one to four of them divide evenly. */
const ASKER_WEIGHT = 12
/** A cost counts as no further from the median than by this factor. */
const MOST_TIMES_MEDIAN = 10
/** Costs are kept by their logarithm, in so many steps for each doubling, from 2 ** LEAST_POWER to 2 ** MOST_POWER. */
const STEPS = 8
const LEAST_POWER = -4
const MOST_POWER = 20
const BUCKETS = (MOST_POWER - LEAST_POWER) * STEPS + 1

const bucketOf = (cost: number): number => {
  const power = Math.min(MOST_POWER, Math.max(LEAST_POWER, Math.log2(cost)))
  return Math.round((power - LEAST_POWER) * STEPS)
}
const costIn = (bucket: number): number => 2 ** (bucket / STEPS + LEAST_POWER)

const nothing: Usual = { count: 0, mean: 0, sigma: 0 }

/**
 * What costs are usual. All askers weigh the same, however much one of them tells and of how many peers, and costs far from
 * the median are cut: so one asker moves the mean by a bounded part, and the median not out of what others tell.
 */
export class UsualCosts {
  readonly #byAsker = new Map<string, readonly ToldCost[]>()
  readonly #weights = new Float64Array(BUCKETS)
  #count = 0

  add(told: ToldCost): void {
    this.#replace(told.asker, [...this.#of(told.asker), told].slice(-COSTS_OF_ASKER))
  }

  remove(told: ToldCost): void {
    this.#replace(
      told.asker,
      this.#of(told.asker).filter((each) => each !== told),
    )
  }

  /** By what is told of others. Nothing is usual before several askers have told costs. */
  without(own: readonly ToldCost[]): Usual {
    const before = new Map(own.map(({ asker }) => [asker, this.#of(asker)]))
    for (const told of own) this.remove(told)
    const usual = this.#byAsker.size < SEVERAL ? nothing : this.#reckoned()
    for (const [asker, costs] of before) this.#replace(asker, costs)
    return usual
  }

  #of(asker: string): readonly ToldCost[] {
    return this.#byAsker.get(asker) ?? []
  }

  #replace(asker: string, costs: readonly ToldCost[]): void {
    this.#weigh(this.#of(asker), -1)
    this.#weigh(costs, 1)
    if (costs.length === 0) this.#byAsker.delete(asker)
    else this.#byAsker.set(asker, costs)
  }

  #weigh(costs: readonly ToldCost[], sign: 1 | -1): void {
    this.#count += sign * costs.length
    for (const { cost } of costs) {
      const bucket = bucketOf(cost)
      this.#weights[bucket] = (this.#weights[bucket] ?? 0) + (sign * ASKER_WEIGHT) / costs.length
    }
  }

  #reckoned(): Usual {
    const total = this.#byAsker.size * ASKER_WEIGHT
    const median = this.#median(total)
    let [sum, squares] = [0, 0]
    for (const [bucket, weight] of this.#weights.entries()) {
      if (weight === 0) continue
      const cost = Math.min(median * MOST_TIMES_MEDIAN, Math.max(median / MOST_TIMES_MEDIAN, costIn(bucket)))
      sum += weight * cost
      squares += weight * cost * cost
    }
    const mean = sum / total
    return { count: this.#count, mean, sigma: Math.sqrt(Math.max(0, squares / total - mean * mean)) }
  }

  #median(total: number): number {
    let below = 0
    const at = this.#weights.findIndex((weight) => {
      below += weight
      return below * 2 >= total
    })
    return costIn(at)
  }
}
