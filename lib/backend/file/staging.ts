import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, hasCode, livenessOf, ownIdentity, type ProcessIdentity, type Random } from '../../base/index.ts'

/** What an owner that cannot be looked up has left alone for so long is removed. */
const ABANDONED_MS = 24 * 60 * 60 * 1000

/** Names for new files in the staging folder, which tell their owner. */
export interface Staging {
  identity(): Promise<ProcessIdentity>
  newPath(): Promise<string>
  /** Removes the files of owners that are gone. */
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
          // Another process may sweep or finish at the same time.
          if (!hasCode(err, 'ENOENT')) throw err
        }
      }
    },
  }
}
