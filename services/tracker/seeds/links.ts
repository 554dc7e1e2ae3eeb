/** Links that a list has room for at first; few, because most blobs have few seeders. */
const FIRST_ROOM = 4
const GROWTH = 1.5

const none = new Uint32Array(0)

/**
 * One side of a relation between nodes and blobs: numbers of the others, and for each the place of the same link in the
 * list of the other side, so that a link is removed in constant time from both. 8 bytes for each link.
 */
export class Links {
  #cells = none
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The number of the other end of the link at `place`. */
  other(place: number): number {
    return this.#cells[place * 2] ?? 0
  }

  /** Where the link at `place` stands in the list of its other end. */
  twin(place: number): number {
    return this.#cells[place * 2 + 1] ?? 0
  }

  setTwin(place: number, twin: number): void {
    this.#cells[place * 2 + 1] = twin
  }

  push(other: number, twin: number): void {
    if (this.#length * 2 === this.#cells.length) this.#resize(Math.ceil(this.#length * GROWTH))
    this.#length += 1
    this.#cells[this.#length * 2 - 2] = other
    this.setTwin(this.#length - 1, twin)
  }

  /** Removes the link at `place`. The last link takes its place; true when it did, so that its twin must be told. */
  remove(place: number): boolean {
    const last = this.#length - 1
    this.#cells[place * 2] = this.other(last)
    this.setTwin(place, this.twin(last))
    this.#length = last
    if (last >= FIRST_ROOM && last * 2 * GROWTH * GROWTH < this.#cells.length) this.#resize(last)
    return place < last
  }

  /** The place of the link to `other`, or -1. */
  find(other: number): number {
    for (let place = 0; place < this.#length; place += 1) if (this.#cells[place * 2] === other) return place
    return -1
  }

  #resize(room: number): void {
    const cells = new Uint32Array(Math.max(room, FIRST_ROOM) * 2)
    cells.set(this.#cells.subarray(0, this.#length * 2))
    this.#cells = cells
  }
}
