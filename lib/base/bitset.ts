/** Bits that are set in a word of 32. */
export function popCount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555)
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/**
 * A word of `Bitset.words` with its members in order: the highest bit is the first of its 32 indices. So `Math.clz32`
 * of it finds the first member.
 */
export function inOrder(word: number): number {
  if (!isLittleEndian) return word
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
}

/** A fixed-length set of small integers, in BitTorrent's bit order (BEP 3: the high bit of byte 0 is piece 0). */
export class Bitset {
  readonly length: number
  /**
   * The bits, 32 indices in each word, for algebra over whole sets; only to be read. Bits beyond the length are zero.
   * The order within a word is that of the machine: see `inOrder`.
   */
  readonly words: Uint32Array
  readonly #bytes: Uint8Array
  #count = 0

  constructor(length: number) {
    this.length = length
    this.words = new Uint32Array(Math.ceil(length / 32))
    this.#bytes = new Uint8Array(this.words.buffer, 0, Math.ceil(length / 8))
  }

  /** Copies `bytes`; drops the spare bits at the end. */
  static from(length: number, bytes: Uint8Array): Bitset {
    const set = new Bitset(length)
    set.#bytes.set(bytes.subarray(0, set.#bytes.length))
    return set.#settled()
  }

  static full(length: number): Bitset {
    const set = new Bitset(length)
    set.#bytes.fill(0xff)
    return set.#settled()
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

  /** Returns whether the set changed. */
  delete(index: number): boolean {
    if (!this.has(index)) return false
    this.#bytes[index >> 3] = (this.#bytes[index >> 3] ?? 0) & ~(0x80 >> (index & 7))
    this.#count -= 1
    return true
  }

  /** From now on its members are those of all `sets` together, which are as long. */
  become(sets: Iterable<Bitset>): void {
    this.words.fill(0)
    for (const { words } of sets) {
      for (let at = 0; at < words.length; at += 1) this.words[at] = (this.words[at] ?? 0) | (words[at] ?? 0)
    }
    this.#recount()
  }

  /** Whether this set and another one of the same length have any member in common. */
  meets({ words }: Bitset): boolean {
    for (let at = 0; at < words.length; at += 1) {
      if (((this.words[at] as number) & (words[at] as number)) !== 0) return true
    }
    return false
  }

  /** A copy of the bytes, ready for a bitfield message. */
  toBytes(): Uint8Array {
    return this.#bytes.slice()
  }

  clone(): Bitset {
    const copy = new Bitset(this.length)
    copy.words.set(this.words)
    copy.#count = this.#count
    return copy
  }

  *[Symbol.iterator](): Generator<number> {
    for (let at = 0; at < this.words.length; at += 1) {
      let left = inOrder(this.words[at] ?? 0)
      while (left !== 0) {
        const first = Math.clz32(left)
        yield at * 32 + first
        left &= ~(0x80000000 >>> first)
      }
    }
  }

  /** After the bytes were written as a whole: no spare bits, and the right count. */
  #settled(): this {
    const last = this.#bytes.length - 1
    const spare = this.#bytes.length * 8 - this.length
    if (last >= 0) this.#bytes[last] = (this.#bytes[last] ?? 0) & (0xff << spare)
    this.#recount()
    return this
  }

  #recount(): void {
    this.#count = 0
    for (const word of this.words) this.#count += popCount(word)
  }
}
