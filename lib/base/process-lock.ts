import { link, open, readFile, rm, stat, unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { throwIfAborted } from './abort.ts'
import { hasCode } from './app-error.ts'
import type { AbortOptions, Clock } from './clock.ts'
import { type Liveness, livenessOf, type ProcessIdentity } from './process-identity.ts'
import type { Random } from './random.ts'

const MAX_PAUSE_MS = 20

/** A lock that already exists. */
export interface FoundLock {
  /** The identity of the process that made the lock. */
  readonly owner: ProcessIdentity
  readonly token: string
  /** When the lock was made, by the clock of the file system. */
  readonly madeMs: number
}

export interface ProcessLocksComponents {
  readonly clock: Clock
  readonly random: Random
  readonly identity: () => Promise<ProcessIdentity>
  /** Gives an unused path for a new file, on the file system of the locks. */
  readonly newPath: () => Promise<string>
  /** Mode of a lock's file, less the umask. Default: 0o666. */
  readonly mode?: number
}

export interface LockPolicy {
  /** Longest wait for a lock that another process holds; 0 means no wait. */
  readonly waitMs: number
  /** After this time the holder no longer trusts its own lock. */
  readonly holdMs: number
  /** Whether this process may take over the lock from its holder. */
  isAbandoned(liveness: Liveness, ageMs: number): boolean
  /** Makes the error that `acquire` throws when another process holds the lock for longer than `waitMs`. */
  busy(holder: FoundLock): Error
  /** Called for each abandoned lock that this process removes. */
  onRemoved?(found: FoundLock, liveness: Liveness): void
  /** Reads the owner from a lock file in an older format. Default: the text itself. */
  ownerOf?(text: string, own: ProcessIdentity): ProcessIdentity
}

/** A lock that this process holds. */
export interface HeldLock {
  /** True when held for longer than `holdMs`: another process may have taken the lock over. */
  readonly isLate: boolean
  /** Releases the lock. One that is late, or that another process took over, is not removed: it is not ours now. */
  release(): Promise<void>
}

/** Locks between all processes that share a folder, and also between two callers in one process. */
export interface ProcessLocks {
  /** @throws ABORTED, the error of `policy.busy`, and file system errors */
  acquire(path: string, options?: AbortOptions): Promise<HeldLock>
}

/**
 * A lock is a file made by link(2), so it appears whole or not at all; it contains `<owner> <token>`. To remove the
 * lock of a dead owner, a process first takes another lock named after the token. So only one process removes it, and
 * nobody removes a newer lock by mistake.
 */
export function processLocks(components: ProcessLocksComponents, policy: LockPolicy): ProcessLocks {
  const { clock, random } = components

  const acquire = async (path: string, { signal }: AbortOptions = {}): Promise<HeldLock> => {
    const startMs = clock.monotonicMs()
    for (let attempt = 0; ; attempt += 1) {
      throwIfAborted(signal)
      const { token, madeMs, isOurs } = await tryAcquire(path)
      if (isOurs) return held(path, token)
      const holder = await holderOf(path, madeMs)
      if (holder === undefined) continue
      if (clock.monotonicMs() - startMs >= policy.waitMs) throw policy.busy(holder)
      await clock.sleep(random.next() * Math.min(MAX_PAUSE_MS, 2 ** attempt), { signal })
    }
  }

  /** Ours, or another process holds the lock at `madeMs`, the time of the file system. */
  const tryAcquire = async (path: string) => {
    const claimPath = await components.newPath()
    const token = basename(claimPath)
    const owner = await components.identity()
    try {
      const madeMs = await makeClaim(claimPath, `${owner} ${token}`, components.mode)
      const isOurs = await linked(claimPath, path)
      return { token, madeMs, isOurs }
    } finally {
      await rm(claimPath, { force: true })
    }
  }

  const held = (path: string, token: string): HeldLock => {
    const heldMs = clock.monotonicMs()
    return {
      get isLate() {
        return clock.monotonicMs() - heldMs > policy.holdMs
      },
      async release() {
        if (!this.isLate && (await readLock(path, (text) => text))?.token === token) await rm(path, { force: true })
      },
    }
  }

  /** Undefined when nobody holds the lock any more: it was released, or it was abandoned and is now removed. */
  const holderOf = async (path: string, nowMs: number): Promise<FoundLock | undefined> => {
    const own = await components.identity()
    const found = await readLock(path, (text) => policy.ownerOf?.(text, own) ?? text)
    if (found === undefined) return undefined
    const liveness = await livenessOf(found.owner, own)
    if (!policy.isAbandoned(liveness, nowMs - found.madeMs)) return found
    const removal = await acquire(`${path}.${found.token}`)
    try {
      const now = await readLock(path, (text) => text)
      if (now?.token !== found.token) return undefined
      if (removal.isLate) return found
      await unlink(path)
      policy.onRemoved?.(found, liveness)
      return undefined
    } finally {
      await removal.release()
    }
  }

  return { acquire }
}

/** Makes a file that can become a lock; its name, which nobody else has, is the token. Returns when it was made. */
async function makeClaim(path: string, text: string, mode?: number): Promise<number> {
  const handle = await open(path, 'wx', mode)
  try {
    await handle.writeFile(text)
    return (await handle.stat()).mtimeMs
  } finally {
    await handle.close()
  }
}

/** False when the path is taken. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (err) {
    if (hasCode(err, 'EEXIST')) return false
    throw err
  }
}

/** Undefined when the lock was released meanwhile. */
async function readLock(path: string, ownerOf: (text: string) => ProcessIdentity): Promise<FoundLock | undefined> {
  try {
    const [owner = '', token = ''] = (await readFile(path, 'latin1')).split(' ')
    return { owner: ownerOf(owner), token, madeMs: (await stat(path)).mtimeMs }
  } catch (err) {
    if (hasCode(err, 'ENOENT')) return undefined
    throw err
  }
}
