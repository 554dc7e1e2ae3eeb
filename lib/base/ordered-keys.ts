/** Keys of a block at most; a full one becomes two. */
const BLOCK = 512

/**
 * Different texts in order, to be read from any place on. A change takes the time of one block, whatever their number, and
 * 8 bytes for each key besides the key.
 */
export class OrderedKeys<K extends string> {
  /** Not empty, each in order, and in order among each other. */
  readonly #blocks: K[][] = []

  add(key: K): void {
    const at = this.#blockOf(key)
    const block = this.#blocks[at]
    if (block === undefined) {
      this.#blocks.push([key])
      return
    }
    const place = placeOf(block, key)
    if (block[place] === key) return
    block.splice(place, 0, key)
    if (block.length > BLOCK) this.#blocks.splice(at + 1, 0, block.splice(BLOCK / 2))
  }

  delete(key: K): void {
    const at = this.#blockOf(key)
    const block = this.#blocks[at]
    if (block === undefined) return
    const place = placeOf(block, key)
    if (block[place] !== key) return
    block.splice(place, 1)
    if (block.length === 0) this.#blocks.splice(at, 1)
  }

  /**
   * The keys from this text on, or behind it. Keys may come and go meanwhile: each that stays is given once.
   */
  *from(text: string, { behind = false }: { readonly behind?: boolean } = {}): Iterable<K> {
    let [start, isBehind] = [text, behind]
    for (;;) {
      const block = this.#blocks[this.#blockOf(start)] ?? []
      const some = block.slice(placeOf(block, start))
      if (isBehind && some[0] === start) some.shift()
      const rest = some.length > 0 ? some : (this.#blocks[this.#blockOf(start) + 1]?.slice() ?? [])
      yield* rest
      const last = rest.at(-1)
      if (last === undefined) return
      start = last
      isBehind = true
    }
  }

  /** The block that has the key, or would have it: the last one that begins at it or before it, or the first. */
  #blockOf(key: string): number {
    let [low, high] = [0, this.#blocks.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#blocks[middle]?.[0] ?? '') <= key) low = middle
      else high = middle
    }
    return low
  }
}

/** The first place whose key is not before this one. */
function placeOf(block: readonly string[], key: string): number {
  let [low, high] = [0, block.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((block[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}

/** The texts of both in order, each once. */
export function* bothInOrder<K extends string>(a: Iterable<K>, b: Iterable<K>): Iterable<K> {
  const [left, right] = [a[Symbol.iterator](), b[Symbol.iterator]()]
  let [one, other] = [left.next(), right.next()]
  while (one.done !== true || other.done !== true) {
    const isLeft = other.done === true || (one.done !== true && one.value <= other.value)
    const isBoth = one.done !== true && other.done !== true && one.value === other.value
    yield (isLeft ? one.value : other.value) as K
    if (isLeft) one = left.next()
    if (!isLeft || isBoth) other = right.next()
  }
}
