import { type AgeLinks, AgeList } from './age-list.ts'

/** Who holds how much of something that is bounded. All calls take constant time, however many hold something. */
export interface Holders {
  /** The holder has so much more; less, if the amount is negative. */
  add(holder: string, amount: number): void
  of(holder: string): number
  /**
   * One of those that hold most: nobody holds more than twice as much. Of those alike, the one that has taken nothing
   * for the longest time. Undefined when nobody holds anything.
   */
  readonly largest: string | undefined
  readonly total: number
}

export function holders(): Holders {
  return new TieredHolders()
}

interface Holder extends AgeLinks<Holder> {
  readonly name: string
  amount: number
  tier: AgeList<Holder> | undefined
}

/** Holders by the power of two of what they have. */
class TieredHolders implements Holders {
  readonly #holders = new Map<string, Holder>()
  readonly #tiers: AgeList<Holder>[] = []
  #total = 0

  get total(): number {
    return this.#total
  }

  of(holder: string): number {
    return this.#holders.get(holder)?.amount ?? 0
  }

  add(name: string, amount: number): void {
    const holder = this.#holders.get(name) ?? this.#newHolder(name)
    holder.amount += amount
    this.#total += amount
    const tier = holder.amount > 0 ? this.#tier(Math.floor(Math.log2(holder.amount))) : undefined
    if (tier === undefined) this.#holders.delete(name)
    if (tier === holder.tier && amount <= 0) return
    holder.tier?.remove(holder)
    tier?.add(holder)
    holder.tier = tier
  }

  get largest(): string | undefined {
    for (let at = this.#tiers.length - 1; at >= 0; at -= 1) {
      const oldest = this.#tiers[at]?.oldest
      if (oldest !== undefined) return oldest.name
    }
    return undefined
  }

  #newHolder(name: string): Holder {
    const holder = { name, amount: 0, tier: undefined, older: undefined, newer: undefined }
    this.#holders.set(name, holder)
    return holder
  }

  #tier(at: number): AgeList<Holder> {
    while (this.#tiers.length <= at) this.#tiers.push(new AgeList())
    return this.#tiers[at] as AgeList<Holder>
  }
}
