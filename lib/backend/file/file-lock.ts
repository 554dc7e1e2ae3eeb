import { link, unlink } from 'node:fs/promises'
import { type AbortOptions, appError, type Clock, hasCode, type Random, throwIfAborted } from '../../base/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import { keyedQueue } from './keyed-queue.ts'
import { makeClaim, readLock } from './lock-file.ts'
import { livenessOf, type ProcessIdentity } from './process-identity.ts'

/** Longest wait for a lock, and longest time to hold one. */
const WAIT_MS = 10_000
const HOLD_MS = 10_000

/** A lock older than this by the file system's clock is taken over even if its holder lives; well above HOLD_MS. */
const STALE_MS = 30_000

const MAX_PAUSE_MS = 20

export interface FileLocksComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly identity: () => Promise<ProcessIdentity>
  /** A path for a new file that nobody else has, on the file system of the locks. */
  readonly newPath: () => Promise<string>
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

/**
 * A lock is a file made by link(2), so it appears whole or not at all, and holds `<owner> <token>`. What a dead owner
 * left is removed under a lock of its own that is named by the token: so only one process removes it, and nobody
 * removes the lock that was made after it.
 */
export function fileLocks(components: FileLocksComponents): FileLocks {
  const { clock, random, logger } = components
  const queue = keyedQueue()

  const acquire = async (path: string, { signal }: AbortOptions) => {
    const startMs = clock.monotonicMs()
    for (let attempt = 0; ; attempt += 1) {
      throwIfAborted(signal)
      const nowMs = await tryAcquire(path)
      if (nowMs === undefined) return
      if (await removeStale(path, nowMs)) continue
      if (clock.monotonicMs() - startMs > WAIT_MS) throw busy()
      await clock.sleep(random.next() * Math.min(MAX_PAUSE_MS, 2 ** attempt), { signal })
    }
  }

  /** Undefined when we have it; the file system's time when another has. */
  const tryAcquire = async (path: string): Promise<number | undefined> => {
    const claim = await makeClaim(await components.newPath(), await components.identity())
    try {
      await link(claim.path, path)
      return undefined
    } catch (err) {
      if (hasCode(err, 'EEXIST')) return claim.madeMs
      throw err
    } finally {
      await unlink(claim.path)
    }
  }

  const removeStale = async (path: string, nowMs: number): Promise<boolean> => {
    const found = await readLock(path)
    if (found === undefined) return true
    const dead = (await livenessOf(found.owner, await components.identity())) === 'dead'
    if (!dead && nowMs - found.madeMs <= STALE_MS) return false
    return locks.hold(`${path}.${found.token}`, async (hold) => {
      const now = await readLock(path)
      if (now?.token !== found.token) return true
      hold.check()
      await unlink(path)
      logger.warn('removed a lock that was left behind', { owner: found.owner, dead })
      return true
    })
  }

  const locks: FileLocks = {
    hold: (path, work, options = {}) =>
      queue.run(
        path,
        async () => {
          await acquire(path, options)
          const heldMs = clock.monotonicMs()
          const late = () => clock.monotonicMs() - heldMs > HOLD_MS
          try {
            return await work({ check: () => failWhen(late()) })
          } finally {
            // One that outstayed its time may belong to another by now; if not, it is taken over by age.
            if (!late()) await unlink(path)
          }
        },
        options,
      ),
  }
  return locks
}

function busy() {
  const message = 'another process holds the lock of the object for too long; see whether it hangs'
  return appError('BACKEND_UNAVAILABLE', { message })
}

function failWhen(late: boolean): void {
  if (late) throw appError('BACKEND_UNAVAILABLE', { message: 'the disk of the backend is too slow; check it' })
}
