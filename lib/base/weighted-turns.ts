/** Whose turn it is among parties of different weight, each of which may want something or not. */
export interface WeightedTurns<T> {
  add(party: T, weight: number): void
  /** Of those that want something, the one that has had the least for its weight; who wanted nothing saves nothing up. */
  next(wants: (party: T) => boolean): T | undefined
  /** It took so much. */
  took(party: T, amount: number): void
}

interface Share<T> {
  readonly party: T
  readonly weight: number
  /** What it has had for its weight, from a common beginning on. */
  had: number
}

/**
 * Parties that always want something get amounts in proportion to their weights, and each of them gets something: nobody is
 * passed over for longer than the others take for their weights. Equals come in the order in which they were added.
 */
export function weightedTurns<T>(): WeightedTurns<T> {
  const shares = new Map<T, Share<T>>()
  /** What those have had who always wanted something. */
  let now = 0
  return {
    add: (party, weight) => void shares.set(party, { party, weight, had: now }),
    next(wants) {
      let first: Share<T> | undefined
      for (const share of shares.values()) {
        if (!wants(share.party)) continue
        if (first === undefined || share.had < first.had) first = share
      }
      return first?.party
    },
    took(party, amount) {
      const share = shares.get(party)
      if (share === undefined) return
      now = Math.max(now, share.had)
      share.had = now + amount / share.weight
    },
  }
}
