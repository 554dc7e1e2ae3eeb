/** Something with a deadline, in at most one heap. Only the heap changes `place`. */
export interface Dated {
  /** The deadline under which the heap has it; must not change while it is in the heap. */
  keyMs: number
  /** Where it stands in the heap; -1 when it is in none. */
  place: number
}

/** Things by their deadlines, the earliest first. Each change takes time logarithmic in their number. */
export class DeadlineHeap<T extends Dated> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  /** The one with the earliest deadline. */
  get first(): T | undefined {
    return this.#items[0]
  }

  /** Takes in something that is in no heap. */
  add(item: T): void {
    this.#items.push(item)
    this.#rise(item, this.#items.length - 1)
  }

  /** Takes out something that is in this heap. */
  remove(item: T): void {
    const last = this.#items.pop() as T
    const { place } = item
    item.place = -1
    if (last === item) return
    this.#rise(last, place)
    this.#sink(last, last.place)
  }

  /** Puts the item at `place`, or as far before it as its deadline is earlier. */
  #rise(item: T, place: number): void {
    let at = place
    while (at > 0) {
      const above = this.#items[(at - 1) >> 1] as T
      if (above.keyMs <= item.keyMs) break
      this.#put(above, at)
      at = (at - 1) >> 1
    }
    this.#put(item, at)
  }

  #sink(item: T, place: number): void {
    let at = place
    for (;;) {
      const below = this.#earlierBelow(at)
      if (below === undefined || below.keyMs >= item.keyMs) break
      const next = below.place
      this.#put(below, at)
      at = next
    }
    this.#put(item, at)
  }

  #earlierBelow(place: number): T | undefined {
    const left = this.#items[2 * place + 1]
    const right = this.#items[2 * place + 2]
    return left !== undefined && right !== undefined && right.keyMs < left.keyMs ? right : left
  }

  #put(item: T, place: number): void {
    this.#items[place] = item
    item.place = place
  }
}
