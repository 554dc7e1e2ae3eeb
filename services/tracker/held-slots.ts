import { AgeList, holders } from '../../lib/base/index.ts'
import type { Slot, SlotWatcher } from './swarm.ts'

/** What a slot is worth to others: nobody would miss one that is worth 0. */
export type Worth = 0 | 1 | 2 | 3

/** The slots of all swarms, by the caller that they count for. */
export interface HeldSlots extends SlotWatcher {
  /**
   * The slot that makes room: of a caller that holds most, within a factor of two, one of those that were worth least
   * when they were last looked at, and of those the oldest. A slot is looked at once for each worth, and anew after it
   * was renewed: so the time is constant, over many calls.
   */
  victim(worth: (slot: Slot) => Worth): Slot | undefined
  readonly size: number
}

/** Slots by what they are worth at least. */
type Ranks = readonly [AgeList<Slot>, AgeList<Slot>, AgeList<Slot>, AgeList<Slot>]

const newRanks = (): Ranks => [new AgeList(), new AgeList(), new AgeList(), new AgeList()]

/** The oldest slot of the lowest rank; on the way those that are worth more move up. */
function leastOf(ranks: Ranks, worth: (slot: Slot) => Worth): Slot | undefined {
  for (const rank of [0, 1, 2, 3] as const) {
    for (let slot = ranks[rank].oldest; slot !== undefined; slot = ranks[rank].oldest) {
      const its = worth(slot)
      if (its <= rank) return slot
      ranks[rank].remove(slot)
      slot.rank = its
      ranks[its].add(slot)
    }
  }
  return undefined
}

export function heldSlots(): HeldSlots {
  const held = holders()
  const byHolder = new Map<string, Ranks>()

  return {
    victim(worth) {
      const ranks = byHolder.get(held.largest ?? '')
      return ranks && leastOf(ranks, worth)
    },
    added(slot) {
      held.add(slot.holder, 1)
      const ranks = byHolder.get(slot.holder) ?? newRanks()
      ranks[slot.rank].add(slot)
      byHolder.set(slot.holder, ranks)
    },
    dropped(slot) {
      held.add(slot.holder, -1)
      byHolder.get(slot.holder)?.[slot.rank].remove(slot)
      if (held.of(slot.holder) === 0) byHolder.delete(slot.holder)
    },
    get size() {
      return held.total
    },
  }
}
