import { type AbortOptions, appError, type ProcessLocksComponents, processLocks } from '../../base/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import { keyedQueue } from './keyed-queue.ts'

/** Longest wait for a lock, and longest time to hold one. */
const WAIT_MS = 10_000
const HOLD_MS = 10_000

/** A lock older than this by the file system's clock is taken over even if its holder lives; well above HOLD_MS. */
const STALE_MS = 30_000

export interface FileLocksComponents extends ProcessLocksComponents {
  readonly logger: Logger
}

/** What a holder asks right before the step that must not happen when it was too slow. */
export interface Hold {
  /** @throws BACKEND_UNAVAILABLE when the lock was held so long that another may take it over */
  check(): void
}

/** Mutual exclusion among all processes that share a folder. */
export interface FileLocks {
  /**
   * Runs `work` while nobody else holds `path`; in order of the calls within this object. @throws BACKEND_UNAVAILABLE,
   * ABORTED
   */
  hold<T>(path: string, work: (hold: Hold) => Promise<T>, options?: AbortOptions): Promise<T>
}

/** Locks for the time of one write. A holder of another machine cannot be looked up, so it loses its lock by age. */
export function fileLocks(components: FileLocksComponents): FileLocks {
  const { logger } = components
  const queue = keyedQueue()
  const locks = processLocks(components, {
    waitMs: WAIT_MS,
    holdMs: HOLD_MS,
    isAbandoned: (liveness, ageMs) => liveness === 'dead' || ageMs > STALE_MS,
    busy: () => unavailable('another process holds the lock of the object for too long; see whether it hangs'),
    onRemoved: ({ owner }, liveness) =>
      logger.warn('removed a lock that was left behind', { owner, dead: liveness === 'dead' }),
  })

  return {
    hold: (path, work, options = {}) =>
      queue.run(
        path,
        async () => {
          const lock = await locks.acquire(path, options)
          const check = () => {
            if (lock.isLate) throw unavailable('the disk of the store is too slow; check it')
          }
          try {
            return await work({ check })
          } finally {
            await lock.release()
          }
        },
        options,
      ),
  }
}

function unavailable(message: string) {
  return appError('BACKEND_UNAVAILABLE', { message })
}
