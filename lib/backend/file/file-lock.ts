import { type AbortOptions, appError, type ProcessLocksComponents, processLocks } from '../../base/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import { keyedQueue } from './keyed-queue.ts'

/** Longest wait for a lock, and longest time to hold it. */
const WAIT_MS = 10_000
const HOLD_MS = 10_000

/** An older lock, by the file system's clock, is taken over even if its holder lives; well above HOLD_MS. */
const STALE_MS = 30_000

export interface FileLocksComponents extends ProcessLocksComponents {
  readonly logger: Logger
}

/** The holder calls `check` right before the step that must not happen when the holder was too slow. */
export interface Hold {
  /** @throws BACKEND_UNAVAILABLE when the lock was held so long that another process may take it over */
  check(): void
}

/** Mutual exclusion between all processes that share a folder. */
export interface FileLocks {
  /**
   * Runs `work` while nobody else holds `path`; calls on this object run in order. @throws BACKEND_UNAVAILABLE, ABORTED
   */
  hold<T>(path: string, work: (hold: Hold) => Promise<T>, options?: AbortOptions): Promise<T>
}

/** Locks that last for one write. The process of another machine cannot be looked up, so its lock expires by age. */
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
