import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { appError, hasCode, ownerOnly, type Random } from '../../base/index.ts'

/** One running process; a pid alone is used again, in a container at once. */
interface Owner {
  readonly pid: number
  /** When the process began, in ticks since the boot; undefined where the system does not say. */
  readonly startTicks: string | undefined
  readonly bootId: string | undefined
}

export interface FolderLockInit {
  readonly path: string
  readonly folder: string
  readonly bootId: string | undefined
  readonly random: Random
}

/** When process `pid` began; undefined when it does not run, or the system does not say. */
async function startTicksOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    // The second field is a name in brackets that may hold blanks; the start time is the 20th after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return hasCode(err, 'EPERM')
  }
}

async function readOwner(path: string): Promise<{ readonly text: string; readonly owner: Owner | undefined }> {
  const text = await readFile(path, 'utf8')
  try {
    const parsed: unknown = JSON.parse(text)
    const valid = typeof parsed === 'object' && parsed !== null && 'pid' in parsed && typeof parsed.pid === 'number'
    return { text, owner: valid ? (parsed as Owner) : undefined }
  } catch {
    return { text, owner: undefined }
  }
}

async function isAlive(owner: Owner, bootId: string | undefined): Promise<boolean> {
  if (owner.bootId !== bootId || !isRunning(owner.pid)) return false
  return owner.startTicks === undefined || owner.startTicks === (await startTicksOf(owner.pid))
}

/**
 * Takes the folder for this process; the result gives it up. The lock of a dead process is taken over.
 * @throws CONFIG_INVALID when a living process has it
 */
export async function lockFolder(init: FolderLockInit): Promise<() => Promise<void>> {
  const { path, folder, bootId, random } = init
  const own: Owner = { pid: process.pid, startTicks: await startTicksOf(process.pid), bootId }
  const aside = `${path}.${Buffer.from(random.bytes(8)).toString('hex')}.tmp`
  const inUse = (owner: Owner | undefined) =>
    appError('CONFIG_INVALID', {
      message: `the store folder is in use by process ${owner?.pid ?? 'unknown'}; stop it, or give this one another folder`,
      detail: { folder, pid: owner?.pid },
    })

  /** A link is made whole or not at all, and fails when the name is taken. */
  const tryTake = async () => {
    await writeFile(aside, JSON.stringify(own), { mode: ownerOnly.file })
    try {
      await link(aside, path)
      return true
    } catch (err) {
      if (hasCode(err, 'EEXIST')) return false
      throw err
    } finally {
      await rm(aside, { force: true })
    }
  }

  /** Moves a dead owner's lock out of the way, unless somebody else was quicker. */
  const clearDead = async () => {
    const found = await readOwner(path)
    if (found.owner !== undefined && (await isAlive(found.owner, bootId))) throw inUse(found.owner)
    await rename(path, aside)
    const moved = await readOwner(aside)
    if (moved.text !== found.text) {
      await rename(aside, path)
      throw inUse(moved.owner)
    }
    await rm(aside, { force: true })
  }

  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (await tryTake()) return () => rm(path, { force: true })
    try {
      await clearDead()
    } catch (err) {
      if (!hasCode(err, 'ENOENT')) throw err
    }
  }
  throw inUse(undefined)
}
