import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes the entries of a folder durable: names made or moved in it before are there after a power loss. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Folders that this process is making, until they are durable. */
const underWay = new Set<Promise<void>>()

/**
 * Makes `folder` and what is missing above it, durably. What another call has made a moment ago counts only once that
 * call has synced it.
 */
export async function makeFolder(folder: string): Promise<void> {
  const making = makeAndSync(folder)
  underWay.add(making)
  await making.finally(() => underWay.delete(making))
  await Promise.all(underWay)
}

async function makeAndSync(folder: string): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true })
  if (firstMade === undefined) return
  for (let made = folder; ; made = dirname(made)) {
    await syncFolder(dirname(made))
    if (made === firstMade || made === dirname(made)) return
  }
}
