import { appError, type Clock, hasCode } from '../base/index.ts'
import type { Counter, Gauge } from '../telemetry/index.ts'
import type { Volume } from './medium.ts'

/** How often the real free space is measured: after this time, or after this many written bytes. */
const FREE_CHECK_MS = 5_000
const FREE_CHECK_BYTES = 64 * 1024 * 1024

/** Least bytes to free when the medium is full: a file system frees blocks, not bytes. */
const MIN_EVICTION_BYTES = 1024 * 1024

export interface SpaceInit {
  /** Most bytes that the store may use, of all kinds together. */
  readonly capacityBytes: number
  /** Shares of the capacity: above `high` the store evicts until it is below `low`. */
  readonly highWatermark: number
  readonly lowWatermark: number
  /** Bytes that must stay free on the medium. */
  readonly minFreeBytes: number
}

export interface SpaceComponents {
  readonly clock: Clock
  readonly used: Gauge | undefined
  readonly refused: Counter | undefined
  freeBytes(volume: Volume): Promise<number>
  /**
   * Removes what may be removed, at least `bytes` if possible; each removal calls `release`. With `volume`, only from
   * that one.
   */
  evict(bytes: number, volume?: Volume): Promise<void>
}

/** Counts what a store holds, and makes room for new bytes. */
export interface Space {
  readonly usedBytes: number
  /** Whether a write was refused for lack of space, and there has not been room since. */
  readonly isFull: boolean
  /**
   * Makes room, then runs `work`, which adds `bytes` to the volume; the bytes stay counted when it succeeds. When the
   * medium reports that it is full, evicts and runs `work` once more.
   * @throws STORE_FULL, SHUTTING_DOWN after `close`
   */
  write<T>(bytes: number, volume: Volume, work: () => Promise<T>): Promise<T>
  /** Counts bytes found at the start. */
  adopt(bytes: number): void
  release(bytes: number): void
  /** Other limits, from now on; the next write evicts what is too much. */
  setInit(init: SpaceInit): void
  /** Starts to count from zero. Before `open`, and after `close`, every write is refused. */
  open(): void
  close(): void
}

/** The free space that the volume last reported, less the bytes requested since. */
interface FreeSpace {
  bytes: number
  uncheckedBytes: number
  checkedAtMs: number
}

const isFull = (err: unknown) => hasCode(err, 'ENOSPC', 'EDQUOT')

class Books implements Space {
  readonly #components: SpaceComponents
  #init: SpaceInit
  #usedBytes = 0
  #isOpen = false
  #evicting: Promise<void> = Promise.resolve()
  readonly #free = new Map<Volume, FreeSpace>()
  #isFull = false

  constructor(components: SpaceComponents, init: SpaceInit) {
    this.#components = components
    this.#init = init
  }

  get usedBytes() {
    return this.#usedBytes
  }

  get isFull() {
    return this.#isFull
  }

  async write<T>(bytes: number, volume: Volume, work: () => Promise<T>): Promise<T> {
    if (!this.#isOpen) throw appError('SHUTTING_DOWN')
    this.#count(bytes)
    try {
      await this.#makeRoom(bytes, volume)
      const result = await this.#insist(bytes, volume, work)
      if (bytes > 0 && !this.#isHigh()) this.#isFull = false
      return result
    } catch (err) {
      this.#count(-bytes)
      throw err
    }
  }

  adopt(bytes: number) {
    this.#count(bytes)
  }

  setInit(init: SpaceInit) {
    this.#init = init
    if (!this.#isHigh()) this.#isFull = false
  }

  release(bytes: number) {
    const wasHigh = this.#isHigh()
    this.#count(-bytes)
    if (wasHigh && !this.#isHigh()) this.#isFull = false
  }

  open() {
    this.#isOpen = true
    this.#count(-this.#usedBytes)
    this.#free.clear()
  }

  close() {
    this.#isOpen = false
  }

  /** A write that is too large for a store that is not full says nothing about the store. */
  #refusal(
    isFull: boolean,
    more: { readonly detail?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {},
  ) {
    if (isFull) this.#isFull = true
    this.#components.refused?.add()
    return appError('STORE_FULL', more)
  }

  #count(bytes: number) {
    this.#usedBytes += bytes
    this.#components.used?.set(this.#usedBytes)
  }

  /** Above the high watermark a small write may still succeed, but that is no room. */
  #isHigh(usedBytes = this.#usedBytes) {
    return usedBytes > this.#init.capacityBytes * this.#init.highWatermark
  }

  /** Bytes above the low watermark, when the high watermark is exceeded; else 0. */
  #excess() {
    const { capacityBytes, lowWatermark } = this.#init
    return this.#isHigh() ? this.#usedBytes - capacityBytes * lowWatermark : 0
  }

  async #makeRoom(bytes: number, volume: Volume) {
    if (this.#excess() > 0) await this.#evict(() => this.#excess())
    // What adds nothing needs no room; others' bytes are counted before they are refused.
    if (bytes > 0 && this.#usedBytes > this.#init.capacityBytes)
      throw this.#refusal(this.#isHigh(this.#usedBytes - bytes))
    const shortage = await this.#freeShortage(bytes, volume)
    if (shortage <= 0) return
    await this.#evict(() => shortage, volume)
    const free = await this.#checkFree(volume)
    free.bytes -= bytes
    if (free.bytes < this.#init.minFreeBytes) {
      const { minFreeBytes } = this.#init
      throw this.#refusal(true, { detail: { volume, freeBytes: free.bytes, minFreeBytes } })
    }
  }

  /** How many bytes of free space would be missing after a write; measures the volume only now and then. */
  async #freeShortage(bytes: number, volume: Volume): Promise<number> {
    const known = this.#free.get(volume)
    if (known !== undefined) {
      known.bytes -= bytes
      known.uncheckedBytes += bytes
    }
    const { minFreeBytes } = this.#init
    if (known !== undefined && !this.#isStale(known) && known.bytes >= minFreeBytes) return minFreeBytes - known.bytes
    const free = await this.#checkFree(volume)
    free.bytes -= bytes
    return minFreeBytes - free.bytes
  }

  #isStale({ uncheckedBytes, checkedAtMs }: FreeSpace) {
    const ageMs = this.#components.clock.monotonicMs() - checkedAtMs
    return uncheckedBytes >= FREE_CHECK_BYTES || ageMs >= FREE_CHECK_MS
  }

  async #checkFree(volume: Volume): Promise<FreeSpace> {
    const bytes = await this.#components.freeBytes(volume)
    const free = { bytes, uncheckedBytes: 0, checkedAtMs: this.#components.clock.monotonicMs() }
    this.#free.set(volume, free)
    return free
  }

  /** Only one eviction at a time; each one computes how much is still needed when its turn comes. */
  #evict(wanted: () => number, volume?: Volume): Promise<void> {
    const evictNow = async () => {
      const bytes = wanted()
      if (bytes > 0) await this.#components.evict(bytes, volume)
    }
    this.#evicting = this.#evicting.catch(() => undefined).then(evictNow)
    return this.#evicting
  }

  async #insist<T>(bytes: number, volume: Volume, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (err) {
      if (!isFull(err)) throw err
    }
    await this.#evict(() => Math.max(bytes, MIN_EVICTION_BYTES), volume)
    try {
      return await work()
    } catch (err) {
      throw isFull(err) ? this.#refusal(true, { cause: err }) : err
    }
  }
}

export function space(components: SpaceComponents, init: SpaceInit): Space {
  return new Books(components, init)
}
