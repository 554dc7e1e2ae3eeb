import { type BlobRef, type Digest, sameRepository } from '../../../core/index.ts'

/** Names remembered of one blob; who asks under yet another one gets the bytes, but its name is not tried. */
const MAX_NAMES = 16

/**
 * The repositories in which one blob was asked for. Each may have a backend of its own, and the refusal of one says
 * nothing about the others, so that what fails under one name goes on under the next. The name under which something
 * came last is every second one: whoever else asks cannot push it aside.
 */
export interface AskedNames {
  readonly digest: Digest
  /** The blob under the name that is asked now. */
  readonly current: BlobRef
  add(blob: BlobRef): void
  /** Something new came under this name. */
  gave(blob: BlobRef): void
  /** What was asked under this name failed. */
  failed(blob: BlobRef): void
}

export function askedNames(first: BlobRef): AskedNames {
  return new Names(first)
}

class Names implements AskedNames {
  readonly #all: BlobRef[]
  #current: BlobRef
  #good: BlobRef
  /** The index in `#all` of the name that was tried last of those that gave nothing. */
  #tried = 0

  constructor(first: BlobRef) {
    this.#all = [first]
    this.#current = first
    this.#good = first
  }

  get digest(): Digest {
    return this.#current.digest
  }

  get current(): BlobRef {
    return this.#current
  }

  add(blob: BlobRef): void {
    const isKnown = this.#all.some(({ repository }) => sameRepository(repository, blob.repository))
    if (!isKnown && this.#all.length < MAX_NAMES) this.#all.push(blob)
  }

  gave(blob: BlobRef): void {
    this.#good = blob
  }

  failed(blob: BlobRef): void {
    if (blob !== this.#current) return
    this.#current = blob === this.#good ? this.#next() : this.#good
  }

  /** The next of the names that gave nothing; the good one when there is no other. */
  #next(): BlobRef {
    for (let step = 0; step < this.#all.length; step += 1) {
      this.#tried = (this.#tried + 1) % this.#all.length
      const name = this.#all[this.#tried]
      if (name !== undefined && name !== this.#good) return name
    }
    return this.#good
  }
}
