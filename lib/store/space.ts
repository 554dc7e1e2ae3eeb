import { appError, type Clock, hasCode } from '../base/index.ts'
import type { Gauge } from '../telemetry/index.ts'

/** How often the real free space is asked for: by time and by bytes written since. */
const FREE_CHECK_MS = 5_000
const FREE_CHECK_BYTES = 64 * 1024 * 1024

/** Freed at least when the medium is full: a file system gives back blocks, not bytes. */
const MIN_EVICTION_BYTES = 1024 * 1024

export interface SpaceInit {
  /** Own bytes, all kinds together. */
  readonly capacityBytes: number
  /** Shares of the capacity: above `high` the store evicts until it is below `low`. */
  readonly highWatermark: number
  readonly lowWatermark: number
  /** What must stay free on the medium for everybody else. */
  readonly minFreeBytes: number
}

export interface SpaceComponents {
  readonly clock: Clock
  readonly used: Gauge | undefined
  freeBytes(): Promise<number>
  /** Removes what may be removed, at least `bytes` if that much can be; each removal calls `release`. */
  evict(bytes: number): Promise<void>
}

/** The books of a store: what it holds, and room for what comes. */
export interface Space {
  readonly usedBytes: number
  /**
   * Runs `work`, which adds `bytes`, once there is room; they stay counted when it succeeds. When the medium says it is
   * full, evicts and runs `work` once more.
   * @throws STORE_FULL, SHUTTING_DOWN after `close`
   */
  write<T>(bytes: number, work: () => Promise<T>): Promise<T>
  /** Counts bytes found at the start. */
  adopt(bytes: number): void
  release(bytes: number): void
  /** Begins with empty books. Before it, and after `close`, every write is refused. */
  open(): void
  close(): void
}

const isFull = (err: unknown) => hasCode(err, 'ENOSPC', 'EDQUOT')

class Books implements Space {
  readonly #components: SpaceComponents
  readonly #init: SpaceInit
  #usedBytes = 0
  #isOpen = false
  #evicting: Promise<void> = Promise.resolve()
  /** What the medium last said, less what was asked for since. */
  #freeBytes = 0
  #uncheckedBytes = Number.POSITIVE_INFINITY
  #checkedAtMs = 0

  constructor(components: SpaceComponents, init: SpaceInit) {
    this.#components = components
    this.#init = init
  }

  get usedBytes() {
    return this.#usedBytes
  }

  async write<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (!this.#isOpen) throw appError('SHUTTING_DOWN')
    this.#count(bytes)
    try {
      await this.#makeRoom(bytes)
      return await this.#insist(bytes, work)
    } catch (err) {
      this.#count(-bytes)
      throw err
    }
  }

  adopt(bytes: number) {
    this.#count(bytes)
  }

  release(bytes: number) {
    this.#count(-bytes)
  }

  open() {
    this.#isOpen = true
    this.#count(-this.#usedBytes)
    this.#uncheckedBytes = Number.POSITIVE_INFINITY
  }

  close() {
    this.#isOpen = false
  }

  #count(bytes: number) {
    this.#usedBytes += bytes
    this.#components.used?.set(this.#usedBytes)
  }

  /** How much lies above the low watermark, once the high one is passed. */
  #excess() {
    const { capacityBytes, highWatermark, lowWatermark } = this.#init
    return this.#usedBytes > capacityBytes * highWatermark ? this.#usedBytes - capacityBytes * lowWatermark : 0
  }

  async #makeRoom(bytes: number) {
    if (this.#excess() > 0) await this.#evict(() => this.#excess())
    if (this.#usedBytes > this.#init.capacityBytes) throw appError('STORE_FULL')
    const shortage = await this.#freeShortage(bytes)
    if (shortage <= 0) return
    await this.#evict(() => shortage)
    await this.#checkFree()
    this.#freeBytes -= bytes
    if (this.#freeBytes < this.#init.minFreeBytes) {
      throw appError('STORE_FULL', { detail: { freeBytes: this.#freeBytes, minFreeBytes: this.#init.minFreeBytes } })
    }
  }

  /** By how many bytes a write would leave less free than must stay so; asks the medium only now and then. */
  async #freeShortage(bytes: number): Promise<number> {
    this.#freeBytes -= bytes
    this.#uncheckedBytes += bytes
    const ageMs = this.#components.clock.monotonicMs() - this.#checkedAtMs
    const stale = this.#uncheckedBytes >= FREE_CHECK_BYTES || ageMs >= FREE_CHECK_MS
    if (stale || this.#freeBytes < this.#init.minFreeBytes) {
      await this.#checkFree()
      this.#freeBytes -= bytes
    }
    return this.#init.minFreeBytes - this.#freeBytes
  }

  async #checkFree() {
    this.#freeBytes = await this.#components.freeBytes()
    this.#uncheckedBytes = 0
    this.#checkedAtMs = this.#components.clock.monotonicMs()
  }

  /** One eviction at a time; each finds out how much is still wanted when its turn comes. */
  #evict(wanted: () => number): Promise<void> {
    const evictNow = async () => {
      const bytes = wanted()
      if (bytes > 0) await this.#components.evict(bytes)
    }
    this.#evicting = this.#evicting.catch(() => undefined).then(evictNow)
    return this.#evicting
  }

  async #insist<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (err) {
      if (!isFull(err)) throw err
    }
    await this.#evict(() => Math.max(bytes, MIN_EVICTION_BYTES))
    try {
      return await work()
    } catch (err) {
      throw isFull(err) ? appError('STORE_FULL', { cause: err }) : err
    }
  }
}

export function space(components: SpaceComponents, init: SpaceInit): Space {
  return new Books(components, init)
}
