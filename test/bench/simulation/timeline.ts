/** Something that happens at its time. */
export interface Happening {
  happen(nowMs: number): void
}

/**
 * What is still to happen, in a binary heap: the earliest first, and of two at the same time the one that was added
 * first, so that a run does not depend on the shape of the heap.
 */
export class Timeline {
  nowMs = 0
  /** How many have happened. */
  count = 0
  #times = new Float64Array(1024)
  #orders = new Float64Array(1024)
  readonly #items: Happening[] = []
  #added = 0

  get size(): number {
    return this.#items.length
  }

  /** A time that has passed means now. */
  at(atMs: number, item: Happening): void {
    const place = this.#items.length
    if (place === this.#times.length) this.#grow()
    this.#items.push(item)
    this.#rise(place, Math.max(atMs, this.nowMs), this.#added++, item)
  }

  /** Lets everything happen in order, until nothing is left, `until` has passed, or `stop` is true. */
  run(untilMs: number, stop: () => boolean): void {
    while (this.#items.length > 0 && (this.#times[0] as number) <= untilMs && !stop()) {
      this.nowMs = this.#times[0] as number
      this.count += 1
      this.#takeFirst().happen(this.nowMs)
    }
  }

  #takeFirst(): Happening {
    const first = this.#items[0] as Happening
    const last = this.#items.pop() as Happening
    const size = this.#items.length
    if (size > 0) this.#sink(this.#times[size] as number, this.#orders[size] as number, last)
    return first
  }

  #rise(from: number, time: number, order: number, item: Happening): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#isBefore(time, order, parent)) break
      this.#move(parent, place)
      place = parent
    }
    this.#put(place, time, order, item)
  }

  #sink(time: number, order: number, item: Happening): void {
    const size = this.#items.length
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= size) break
      const right = child + 1
      if (right < size && this.#isBefore(this.#times[right] as number, this.#orders[right] as number, child))
        child = right
      if (this.#isBefore(time, order, child)) break
      this.#move(child, place)
      place = child
    }
    this.#put(place, time, order, item)
  }

  #isBefore(time: number, order: number, place: number): boolean {
    const other = this.#times[place] as number
    return time < other || (time === other && order < (this.#orders[place] as number))
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from] as number, this.#orders[from] as number, this.#items[from] as Happening)
  }

  #put(place: number, time: number, order: number, item: Happening): void {
    this.#times[place] = time
    this.#orders[place] = order
    this.#items[place] = item
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2)
    times.set(this.#times)
    this.#times = times
    const orders = new Float64Array(times.length)
    orders.set(this.#orders)
    this.#orders = orders
  }
}
