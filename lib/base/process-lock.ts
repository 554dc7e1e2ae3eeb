import { link, open, readFile, rm, stat, unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { throwIfAborted } from './abort.ts'
import { hasCode } from './app-error.ts'
import type { AbortOptions, Clock } from './clock.ts'
import { type Liveness, livenessOf, type ProcessIdentity } from './process-identity.ts'
import type { Random } from './random.ts'

const MAX_PAUSE_MS = 20

/** A lock as it was found. */
export interface FoundLock {
  /** What `identity` said in the process that has made it. */
  readonly owner: ProcessIdentity
  readonly token: string
  /** By the clock of the file system. */
  readonly madeMs: number
}

export interface ProcessLocksComponents {
  readonly clock: Clock
  readonly random: Random
  readonly identity: () => Promise<ProcessIdentity>
  /** A path for a new file that nobody else has, on the file system of the locks. */
  readonly newPath: () => Promise<string>
  /** Mode of a lock's file, less the umask. Default: 0o666. */
  readonly mode?: number
}

export interface LockPolicy {
  /** Longest wait for a lock that another process holds; 0 waits for none. */
  readonly waitMs: number
  /** After this time a holder no longer trusts its lock. */
  readonly holdMs: number
  /** Whether a lock may be taken over from the process that holds it. */
  isAbandoned(liveness: Liveness, ageMs: number): boolean
  /** What `acquire` throws when another process holds the lock for too long. */
  busy(holder: FoundLock): Error
  /** Called for each lock that was taken over. */
  onRemoved?(found: FoundLock, liveness: Liveness): void
  /** The owner of a lock in another form than that of today. Default: as it is written. */
  ownerOf?(text: string, own: ProcessIdentity): ProcessIdentity
}

/** A lock that this process has. */
export interface HeldLock {
  /** Held for longer than `holdMs`: another may have taken it over. */
  readonly isLate: boolean
  /** Gives it up. One that is late is left to those who take it over. */
  release(): Promise<void>
}

/** Locks among all processes that share a folder. Two calls of one process exclude each other as well. */
export interface ProcessLocks {
  /** @throws ABORTED, what `policy.busy` gives, and errors of the file system */
  acquire(path: string, options?: AbortOptions): Promise<HeldLock>
}

/**
 * A lock is a file made by link(2), so it appears whole or not at all, and holds `<owner> <token>`. What a dead owner
 * left is removed under a lock of its own that is named by the token: so only one process removes it, and nobody
 * removes the lock that was made after it.
 */
export function processLocks(components: ProcessLocksComponents, policy: LockPolicy): ProcessLocks {
  const { clock, random } = components

  const acquire = async (path: string, { signal }: AbortOptions = {}): Promise<HeldLock> => {
    const startMs = clock.monotonicMs()
    for (let attempt = 0; ; attempt += 1) {
      throwIfAborted(signal)
      const nowMs = await tryAcquire(path)
      if (nowMs === undefined) return held(path)
      const holder = await holderOf(path, nowMs)
      if (holder === undefined) continue
      if (clock.monotonicMs() - startMs >= policy.waitMs) throw policy.busy(holder)
      await clock.sleep(random.next() * Math.min(MAX_PAUSE_MS, 2 ** attempt), { signal })
    }
  }

  /** Undefined when we have it; the file system's time when another has. */
  const tryAcquire = async (path: string): Promise<number | undefined> => {
    const claim = await makeClaim(await components.newPath(), await components.identity(), components.mode)
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

  const held = (path: string): HeldLock => {
    const heldMs = clock.monotonicMs()
    return {
      get isLate() {
        return clock.monotonicMs() - heldMs > policy.holdMs
      },
      async release() {
        if (!this.isLate) await rm(path, { force: true })
      },
    }
  }

  /** Undefined when nobody holds it any more: it was released, or left behind and is removed now. */
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

/** A file that can become a lock; its name, which nobody else has, is the token. */
async function makeClaim(path: string, owner: ProcessIdentity, mode?: number) {
  const handle = await open(path, 'wx', mode)
  try {
    await handle.writeFile(`${owner} ${basename(path)}`)
    return { path, madeMs: (await handle.stat()).mtimeMs }
  } finally {
    await handle.close()
  }
}

/** Undefined when it was released meanwhile. */
async function readLock(path: string, ownerOf: (text: string) => ProcessIdentity): Promise<FoundLock | undefined> {
  try {
    const [owner = '', token = ''] = (await readFile(path, 'latin1')).split(' ')
    return { owner: ownerOf(owner), token, madeMs: (await stat(path)).mtimeMs }
  } catch (err) {
    if (hasCode(err, 'ENOENT')) return undefined
    throw err
  }
}
