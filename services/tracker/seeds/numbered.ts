/** Items with small numbers; the number of a removed item is given to the next one. */
export class Numbered<T> {
  readonly #items: (T | undefined)[] = []
  readonly #free: number[] = []

  add(item: T): number {
    const number = this.#free.pop() ?? this.#items.length
    this.#items[number] = item
    return number
  }

  at(number: number): T | undefined {
    return this.#items[number]
  }

  remove(number: number): void {
    this.#items[number] = undefined
    this.#free.push(number)
  }
}
