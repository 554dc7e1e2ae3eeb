import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, hasCode, livenessOf, ownIdentity, type ProcessIdentity, type Random } from '../../base/index.ts'

/** A file is removed after this time when its owner cannot be looked up. */
const ABANDONED_MS = 24 * 60 * 60 * 1000

/** Names for new files in the staging folder; a name contains its owner. */
export interface Staging {
  identity(): Promise<ProcessIdentity>
  newPath(): Promise<string>
  /** Removes the files of dead owners. */
  sweep(): Promise<void>
}

export function staging({ clock, random }: { clock: Clock; random: Random }, folder: string): Staging {
  let known: Promise<ProcessIdentity> | undefined
  const identity = () => {
    known ??= ownIdentity()
    return known
  }

  const isAbandoned = async (name: string): Promise<boolean> => {
    const liveness = await livenessOf(name, await identity())
    if (liveness !== 'unknown') return liveness === 'dead'
    return clock.now() - (await stat(join(folder, name))).mtimeMs > ABANDONED_MS
  }

  return {
    identity,
    async newPath() {
      return join(folder, `${await identity()}.${Buffer.from(random.bytes(8)).toString('hex')}`)
    },
    async sweep() {
      for (const name of await readdir(folder)) {
        try {
          if (await isAbandoned(name)) await unlink(join(folder, name))
        } catch (err) {
          // Another process may remove or finish the file at the same time.
          if (!hasCode(err, 'ENOENT')) throw err
        }
      }
    },
  }
}
