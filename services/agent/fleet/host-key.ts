import { join } from 'node:path'
import { makeOwnFolder, type Random, readSmall, replaceFile } from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'

const FILE = 'host-key'
const BYTES = 24
const shape = /^[0-9a-f]{48}$/

/**
 * The key that this host shows to trackers when it asks for orders; it stays the same over restarts, so that a job finds
 * the host again. Where it cannot be kept it is for this run only.
 */
export async function hostKey(
  { random, logger }: { readonly random: Random; readonly logger: Logger },
  folder: string,
): Promise<string> {
  const path = join(folder, FILE)
  const fresh = Buffer.from(random.bytes(BYTES)).toString('hex')
  try {
    await makeOwnFolder(folder)
    const kept = (await readSmall(path))?.toString()
    if (kept !== undefined && shape.test(kept)) return kept
    await replaceFile(path, fresh)
  } catch (err) {
    logger.warn('failed to keep the key of this host; after a restart trackers take it for another host', { path, err })
  }
  return fresh
}
