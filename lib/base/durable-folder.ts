import { chmod, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode } from './app-error.ts'

/** Makes the entries of a folder durable: names made or moved in it before are there after a power loss. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Modes of what only the user of the service may use, whatever the umask is. */
export const ownerOnly = { folder: 0o700, file: 0o600 } as const

/** Folders that this process is making, until they are durable. */
const underWay = new Set<Promise<void>>()

/**
 * Makes `folder` and what is missing above it, durably. What another call has made a moment ago counts only once that
 * call has synced it. Only the owner may use what is made.
 */
export async function makeFolder(folder: string): Promise<void> {
  const making = makeAndSync(folder)
  underWay.add(making)
  await making.finally(() => underWay.delete(making))
  await Promise.all(underWay)
}

/** Makes the folder of a service, or closes one that is there already to everybody else. */
export async function makeOwnFolder(folder: string): Promise<void> {
  await makeFolder(folder)
  await chmod(folder, ownerOnly.folder).catch((err: unknown) => {
    // The root of a volume may belong to somebody else; what is made below it does not.
    if (!hasCode(err, 'EPERM', 'EROFS')) throw err
  })
}

async function makeAndSync(folder: string): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true, mode: ownerOnly.folder })
  if (firstMade === undefined) return
  for (let made = folder; ; made = dirname(made)) {
    await syncFolder(dirname(made))
    if (made === firstMade || made === dirname(made)) return
  }
}
