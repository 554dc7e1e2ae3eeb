/** What an item of a list carries for it; an item is in one list at most, and only the list changes these. */
export interface AgeLinks<T> {
  older: T | undefined
  newer: T | undefined
}

/**
 * Items in the order in which they were added. Adding, removing and finding the oldest take constant time; the oldest of
 * a Map or Set does not, when many that stood before it were deleted.
 */
export class AgeList<T extends AgeLinks<T>> {
  #oldest: T | undefined
  #newest: T | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get oldest(): T | undefined {
    return this.#oldest
  }

  /** As the newest one. It must be in no list. */
  add(item: T): void {
    item.older = this.#newest
    item.newer = undefined
    if (this.#newest === undefined) this.#oldest = item
    else this.#newest.newer = item
    this.#newest = item
    this.#size += 1
  }

  /** It must be in this list. */
  remove(item: T): void {
    if (item.older === undefined) this.#oldest = item.newer
    else item.older.newer = item.newer
    if (item.newer === undefined) this.#newest = item.older
    else item.newer.older = item.older
    item.older = undefined
    item.newer = undefined
    this.#size -= 1
  }
}
