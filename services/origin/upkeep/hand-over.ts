import {
  type AbortOptions,
  type Clock,
  type FairBucket,
  fairBucket,
  type TokenBucket,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import type { BlobInspection, BlobReader, KeptBlob } from '../../../lib/store/index.ts'
import type { Copies } from './copies.ts'
import { type CopyToComponents, copyTo } from './copy-to.ts'

/** Blobs checked at the same time; most of that time is spent waiting for answers. */
const AT_ONCE = 4
/** Most blobs that a walk remembers as present in the backend; later walks do not ask for them again. */
const MAX_SETTLED = 100_000

/** One walk over all stored blobs. */
export interface Walk {
  readonly startedAtMs: number
  /** Undefined while the walk runs. */
  readonly endedAtMs: number | undefined
  readonly blobs: number
  /** How many of `blobs` were checked so far. */
  readonly done: number
  /** Copies handed to other members, and their bytes. */
  readonly copies: number
  readonly bytes: number
  /** Copies that could not be handed over. */
  readonly failures: number
  /** Blobs so far without the other copies that they should have. This member keeps them. */
  readonly unsafe: number
}

interface OwnCopies extends Pick<BlobReader, 'lease'>, Pick<BlobInspection, 'inspect' | 'look' | 'peek'> {}

export interface HandOverComponents extends CopyToComponents {
  readonly store: OwnCopies
  readonly copies: Copies
  readonly clock: Clock
  /** Called when a walk has ended. */
  readonly onWalked: (walk: Walk) => void
}

export interface HandOverInit {
  /** Bytes per second that walks send to other members; undefined: no limit. */
  readonly bytesPerSecond: number | undefined
}

/**
 * Copies blobs that are in no backend to all members that are to keep them. So a new member gets the blobs that it owns
 * now from their former owners, which may evict them only after that (see `Copies.mayGo`).
 */
export interface HandOver {
  /**
   * Walks over all blobs once. It may be repeated at any time: copies that exist are not made again. `fresh` checks
   * also the blobs that an earlier walk saw in the backend. One walk at a time. @throws ABORTED
   */
  walk(options?: AbortOptions & { readonly fresh?: boolean }): Promise<Walk>
  /** Bytes per second from now on; undefined: no limit. */
  setRate(bytesPerSecond: number | undefined): void
  /** The current walk, or the last one. */
  readonly latest: Walk | undefined
}

type Counts = { -readonly [K in keyof Walk]: Walk[K] }

class Walker implements HandOver {
  readonly #components: HandOverComponents
  readonly #rate: FairBucket
  readonly #pace: TokenBucket
  readonly #settled = new Set<Digest>()
  #latest: Counts | undefined

  constructor(components: HandOverComponents, init: HandOverInit) {
    this.#components = components
    this.#rate = fairBucket(components.clock, { ratePerSecond: init.bytesPerSecond })
    this.#pace = this.#rate.flow()
  }

  get latest() {
    return this.#latest
  }

  setRate(bytesPerSecond: number | undefined): void {
    this.#rate.setRate(bytesPerSecond)
  }

  async walk({ signal, fresh = false }: AbortOptions & { readonly fresh?: boolean } = {}): Promise<Walk> {
    const { store, clock, onWalked } = this.#components
    const blobs = store.inspect()
    if (fresh) this.#settled.clear()
    for (const digest of this.#settled) if (store.look(digest) === undefined) this.#settled.delete(digest)
    const counts: Counts = {
      startedAtMs: clock.now(),
      endedAtMs: undefined,
      blobs: blobs.length,
      done: 0,
      copies: 0,
      bytes: 0,
      failures: 0,
      unsafe: 0,
    }
    this.#latest = counts
    const left = blobs.values()
    const worker = async () => {
      for (const blob of left) {
        throwIfAborted(signal)
        if (!this.#settled.has(blob.digest)) await this.#lookAt(blob, counts, signal)
        counts.done += 1
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    counts.endedAtMs = clock.now()
    onWalked(counts)
    return counts
  }

  async #lookAt(blob: KeptBlob, counts: Counts, signal: AbortSignal | undefined): Promise<void> {
    const { store } = this.#components
    const release = store.lease(blob.digest)
    try {
      if (store.look(blob.digest) !== undefined) await this.#settle(blob, counts, signal)
    } finally {
      release()
    }
  }

  async #settle(blob: KeptBlob, counts: Counts, signal: AbortSignal | undefined): Promise<void> {
    const { copies } = this.#components
    if (await copies.inBackend(blob, { signal })) {
      if (this.#settled.size < MAX_SETTLED) this.#settled.add(blob.digest)
      return
    }
    const lacking = (await copies.keepings(blob.digest, { signal })).filter(([, keeping]) => keeping === 'absent')
    for (const [member] of lacking) {
      const copied = await copyTo(this.#components, member, blob, { pace: this.#pace, signal })
      counts.copies += copied ? 1 : 0
      counts.bytes += copied ? blob.size : 0
      counts.failures += copied ? 0 : 1
    }
    const isGood = copies.isKeeper(blob.digest) || (await copies.mayGo(blob, { signal }))
    if (!isGood) counts.unsafe += 1
  }
}

export function handOver(components: HandOverComponents, init: HandOverInit): HandOver {
  return new Walker(components, init)
}
