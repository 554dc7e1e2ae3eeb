/** Something that waits, and how much of the turn it takes. */
export interface Sized {
  readonly tokens: number
}

/** Who waits in one party's name, in order. */
export interface Flow<T extends Sized> {
  readonly of: RoundRobin<T>
  add(item: T): void
  /** Goes on, with all who wait, behind those that wait in another round. */
  move(to: RoundRobin<T>): void
  /** It was served. */
  served(item: T): void
  /** It waits no more, and took nothing. Idempotent. */
  remove(item: T): void
}

/** Deficit round robin: turns of the same size, whatever the number and size of the items that wait. */
export interface RoundRobin<T extends Sized> {
  flow(): Flow<T>
  /** Whose turn it is; undefined when nobody waits. */
  readonly next: { readonly flow: Flow<T>; readonly item: T } | undefined
}

export function roundRobin<T extends Sized>(turn: number): RoundRobin<T> {
  return new Ring<T>(turn)
}

class Ring<T extends Sized> implements RoundRobin<T> {
  /** Who waits, in the order of their turns. */
  readonly waiting = new Set<Party<T>>()
  readonly turn: number

  constructor(turn: number) {
    this.turn = turn
  }

  flow(): Flow<T> {
    return new Party(this)
  }

  get next(): { readonly flow: Flow<T>; readonly item: T } | undefined {
    for (const party of this.waiting) {
      const item = party.first
      if (item === undefined) continue
      if (item.tokens <= party.credit) return { flow: party, item }
      // Behind all others: this very loop comes back to it.
      party.credit += this.turn
      this.waiting.delete(party)
      this.waiting.add(party)
    }
    return undefined
  }
}

const isRing = <T extends Sized>(round: RoundRobin<T>): round is Ring<T> => round instanceof Ring

class Party<T extends Sized> implements Flow<T> {
  of: Ring<T>
  /** What it may take before it is somebody else's turn; who does not wait saves nothing up. */
  credit = 0
  readonly #items = new Set<T>()

  constructor(of: Ring<T>) {
    this.of = of
  }

  get first(): T | undefined {
    return this.#items.values().next().value
  }

  add(item: T): void {
    if (this.#items.size === 0) this.credit = this.of.turn
    this.#items.add(item)
    this.of.waiting.add(this)
  }

  move(to: RoundRobin<T>): void {
    // There is no other kind of round.
    if (to === this.of || !isRing(to)) return
    this.of.waiting.delete(this)
    this.of = to
    if (this.#items.size === 0) return
    this.credit = this.of.turn
    this.of.waiting.add(this)
  }

  served(item: T): void {
    this.credit -= item.tokens
    this.remove(item)
  }

  remove(item: T): void {
    if (!this.#items.delete(item)) return
    if (this.#items.size === 0) this.of.waiting.delete(this)
  }
}
