/** How many slots make a second. */
const SLOTS = 10
const SLOT_MS = 1000 / SLOTS

/** The most that was sent within a second, to a tenth of one. */
export interface SentPeak {
  add(atMs: number, bytes: number): void
  readonly most: number
}

/** Times must not go back. */
export function sentPeak(): SentPeak {
  const slots = new Map<number, number>()
  return {
    add(atMs, bytes) {
      const slot = Math.floor(atMs / SLOT_MS)
      slots.set(slot, (slots.get(slot) ?? 0) + bytes)
    },
    get most() {
      const within = (last: number) =>
        Array.from({ length: SLOTS }, (_, i) => slots.get(last - i) ?? 0).reduce((sum, bytes) => sum + bytes, 0)
      return Math.max(0, ...[...slots.keys()].map(within))
    },
  }
}
