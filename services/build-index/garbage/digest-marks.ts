import { type Digest, digestHex } from '../../../lib/core/index.ts'

/** Hex digits of a digest that are kept; a number holds so many exactly. */
const DIGITS = 13
const SPACE = 16 ** DIGITS

/**
 * A set of very many digests in a fixed memory: of each the first 52 bits. Two that have these in common are taken for one,
 * so that at worst something is kept that could go. When the memory is full, the set gives up the upper half of the
 * digests, and tells so by `end`: then it is made again for the rest.
 */
export interface DigestMarks {
  /** Digests whose first part is `from` or more and less than `end` are known. */
  readonly from: number
  readonly end: number
  add(digest: Digest): void
  /** Whether it was added; only for a digest that `covers` says yes to, and after the last `add`. */
  has(digest: Digest): boolean
  covers(digest: Digest): boolean
}

/** `from` is 0, or the `end` of the set before. At `WHOLE_SPACE` there is nothing left. */
export const WHOLE_SPACE = SPACE

const partOf = (digest: Digest): number => Number.parseInt(digestHex(digest).slice(0, DIGITS), 16)

export function digestMarks({ from, capacity }: { readonly from: number; readonly capacity: number }): DigestMarks {
  return new Marks(from, capacity)
}

class Marks implements DigestMarks {
  readonly from: number
  readonly #parts: Float64Array
  #end = SPACE
  #count = 0
  #isSorted = true

  constructor(from: number, capacity: number) {
    this.from = from
    this.#parts = new Float64Array(Math.max(2, capacity))
  }

  get end(): number {
    return this.#end
  }

  covers(digest: Digest): boolean {
    const part = partOf(digest)
    return part >= this.from && part < this.#end
  }

  add(digest: Digest): void {
    if (!this.covers(digest)) return
    if (this.#count === this.#parts.length) this.#makeRoom()
    const part = partOf(digest)
    if (part >= this.#end) return
    this.#parts[this.#count] = part
    this.#count += 1
    this.#isSorted = false
  }

  has(digest: Digest): boolean {
    this.#sort()
    const part = partOf(digest)
    let [low, high] = [0, this.#count]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#parts[middle] ?? SPACE) < part) low = middle + 1
      else high = middle
    }
    return low < this.#count && this.#parts[low] === part
  }

  #sort(): void {
    if (this.#isSorted) return
    const sorted = this.#parts.subarray(0, this.#count).sort()
    let kept = 0
    for (const part of sorted) {
      if (kept === 0 || sorted[kept - 1] !== part) {
        sorted[kept] = part
        kept += 1
      }
    }
    this.#count = kept
    this.#isSorted = true
  }

  /** Removes what is twice, and if that is little, the upper half. */
  #makeRoom(): void {
    this.#sort()
    if (this.#count <= this.#parts.length / 2) return
    const middle = this.#count >>> 1
    this.#end = this.#parts[middle] ?? SPACE
    this.#count = middle
  }
}
