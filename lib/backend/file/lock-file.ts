import { open, readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { hasCode } from '../../base/index.ts'
import type { ProcessIdentity } from './process-identity.ts'

/** A file that can become a lock. */
export interface Claim {
  readonly path: string
  /** By the clock of the file system. */
  readonly madeMs: number
}

/** Writes the file that becomes the lock. Its name, which nobody else has, is the token. */
export async function makeClaim(path: string, owner: ProcessIdentity): Promise<Claim> {
  const handle = await open(path, 'wx')
  try {
    await handle.writeFile(`${owner} ${basename(path)}`)
    return { path, madeMs: (await handle.stat()).mtimeMs }
  } finally {
    await handle.close()
  }
}

/** A lock as it was found. */
export interface FoundLock {
  readonly owner: ProcessIdentity
  readonly token: string
  readonly madeMs: number
}

/** Undefined when it was released meanwhile. */
export async function readLock(path: string): Promise<FoundLock | undefined> {
  try {
    const [owner = '', token = ''] = (await readFile(path, 'latin1')).split(' ')
    return { owner, token, madeMs: (await stat(path)).mtimeMs }
  } catch (err) {
    if (hasCode(err, 'ENOENT')) return undefined
    throw err
  }
}
