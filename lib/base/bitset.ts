/** A fixed-length set of small integers, in BitTorrent's bit order (BEP 3: the high bit of byte 0 is piece 0). */
export class Bitset {
  readonly length: number
  readonly #bytes: Uint8Array
  #count = 0

  constructor(length: number) {
    this.length = length
    this.#bytes = new Uint8Array(Math.ceil(length / 8))
  }

  /** Copies `bytes`; drops the spare bits at the end. */
  static from(length: number, bytes: Uint8Array): Bitset {
    const set = new Bitset(length)
    for (let i = 0; i < length; i += 1) {
      if (((bytes[i >> 3] ?? 0) & (0x80 >> (i & 7))) !== 0) set.add(i)
    }
    return set
  }

  static full(length: number): Bitset {
    const set = new Bitset(length)
    for (let i = 0; i < length; i += 1) set.add(i)
    return set
  }

  /** Number of members. */
  get count(): number {
    return this.#count
  }

  get complete(): boolean {
    return this.#count === this.length
  }

  has(index: number): boolean {
    return index >= 0 && index < this.length && ((this.#bytes[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0
  }

  /** Returns whether the set changed; ignores an index outside the set. */
  add(index: number): boolean {
    if (index < 0 || index >= this.length || this.has(index)) return false
    this.#bytes[index >> 3] = (this.#bytes[index >> 3] ?? 0) | (0x80 >> (index & 7))
    this.#count += 1
    return true
  }

  /** A copy of the bytes, ready for a bitfield message. */
  toBytes(): Uint8Array {
    return this.#bytes.slice()
  }

  clone(): Bitset {
    return Bitset.from(this.length, this.#bytes)
  }

  *[Symbol.iterator](): Generator<number> {
    for (let i = 0; i < this.length; i += 1) if (this.has(i)) yield i
  }
}
