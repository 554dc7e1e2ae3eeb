/**
 * Some pieces in ascending order of their copies: each number of copies has a range in one list. A piece whose copies
 * change by one is swapped with the one at the border of its range; to come and to go costs a swap for each range above.
 */
export class CopyOrder {
  readonly #order: Uint32Array
  readonly #places: Uint32Array
  /** Where the pieces with at least so many copies begin. */
  readonly #starts: number[] = [0]
  #size = 0

  /** For pieces below `count`. */
  constructor(count: number) {
    this.#order = new Uint32Array(count)
    this.#places = new Uint32Array(count)
  }

  /** The most copies that a piece has had. */
  get most(): number {
    return this.#starts.length - 1
  }

  /** The pieces with so many copies are at the places `[start(copies), start(copies + 1))`. */
  start(copies: number): number {
    return this.#starts[copies] ?? this.#size
  }

  at(place: number): number {
    return this.#order[place] as number
  }

  /** A piece comes that is not in it. */
  add(piece: number, copies: number): void {
    this.#reach(copies)
    let place = this.#size
    this.#size += 1
    for (let above = this.most; above > copies; above -= 1) {
      const first = this.start(above)
      this.#copy(first, place)
      this.#starts[above] = first + 1
      place = first
    }
    this.#put(place, piece)
  }

  /** A piece goes that has so many copies. */
  delete(piece: number, copies: number): void {
    let place = this.#places[piece] as number
    for (let above = copies + 1; above <= this.most; above += 1) {
      const last = this.start(above) - 1
      this.#copy(last, place)
      this.#starts[above] = last
      place = last
    }
    this.#size -= 1
    this.#copy(this.#size, place)
  }

  /** A piece with so many copies has one more from now on, or one less. */
  move(piece: number, copies: number, by: 1 | -1): void {
    this.#reach(copies + 1)
    const border = by === 1 ? this.start(copies + 1) - 1 : this.start(copies)
    this.#put(this.#places[piece] as number, this.at(border))
    this.#put(border, piece)
    if (by === 1) this.#starts[copies + 1] = border
    else this.#starts[copies] = border + 1
  }

  #reach(copies: number): void {
    while (this.#starts.length <= copies) this.#starts.push(this.#size)
  }

  /** A place that is copied to itself may hold a piece that stands elsewhere by now. */
  #copy(from: number, to: number): void {
    if (from !== to) this.#put(to, this.at(from))
  }

  #put(place: number, piece: number): void {
    this.#order[place] = piece
    this.#places[piece] = place
  }
}
