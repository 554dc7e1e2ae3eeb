import { appError, type Clock, hasCode } from '../base/index.ts'
import type { Gauge } from '../telemetry/index.ts'

/** How often the real free space is asked for: by time and by bytes written since. */
const FREE_CHECK_MS = 5_000
const FREE_CHECK_BYTES = 64 * 1024 * 1024

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

export function space(components: SpaceComponents, init: SpaceInit): Space {
  const { clock, used } = components
  const high = init.capacityBytes * init.highWatermark
  const low = init.capacityBytes * init.lowWatermark
  let usedBytes = 0
  let freeBytes = 0
  let uncheckedBytes = Number.POSITIVE_INFINITY
  let checkedAtMs = 0
  let open = false
  let evicting: Promise<void> = Promise.resolve()

  const count = (bytes: number) => {
    usedBytes += bytes
    used?.set(usedBytes)
  }

  const checkFree = async () => {
    freeBytes = await components.freeBytes()
    uncheckedBytes = 0
    checkedAtMs = clock.monotonicMs()
  }

  /** Bytes by which the medium would be too full after a write that was already taken off `freeBytes`. */
  const freeShortage = async (bytes: number) => {
    freeBytes -= bytes
    uncheckedBytes += bytes
    const stale = uncheckedBytes >= FREE_CHECK_BYTES || clock.monotonicMs() - checkedAtMs >= FREE_CHECK_MS
    if (stale || freeBytes < init.minFreeBytes) {
      await checkFree()
      freeBytes -= bytes
    }
    return init.minFreeBytes - freeBytes
  }

  const evict = (bytes: () => number) => {
    evicting = evicting
      .catch(() => undefined)
      .then(async () => {
        const wanted = bytes()
        if (wanted > 0) await components.evict(wanted)
      })
    return evicting
  }

  const makeRoom = async (bytes: number) => {
    if (usedBytes > high) await evict(() => (usedBytes > high ? usedBytes - low : 0))
    if (usedBytes > init.capacityBytes) throw appError('STORE_FULL')
    const shortage = await freeShortage(bytes)
    if (shortage <= 0) return
    await evict(() => shortage)
    await checkFree()
    if (freeBytes - bytes < init.minFreeBytes) {
      throw appError('STORE_FULL', { detail: { freeBytes, minFreeBytes: init.minFreeBytes } })
    }
  }

  const insist = async <T>(bytes: number, work: () => Promise<T>) => {
    try {
      return await work()
    } catch (err) {
      if (!isFull(err)) throw err
    }
    // At least a mebibyte: a file system gives back blocks, not bytes.
    await evict(() => Math.max(bytes, 1024 * 1024))
    try {
      return await work()
    } catch (err) {
      throw isFull(err) ? appError('STORE_FULL', { cause: err }) : err
    }
  }

  return {
    get usedBytes() {
      return usedBytes
    },
    async write(bytes, work) {
      if (!open) throw appError('SHUTTING_DOWN')
      count(bytes)
      try {
        await makeRoom(bytes)
        return await insist(bytes, work)
      } catch (err) {
        count(-bytes)
        throw err
      }
    },
    adopt: count,
    release: (bytes) => count(-bytes),
    close() {
      open = false
    },
    open() {
      open = true
      count(-usedBytes)
      uncheckedBytes = Number.POSITIVE_INFINITY
    },
  }
}
