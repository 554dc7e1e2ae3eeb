import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, hasCode } from '../../base/index.ts'

/**
 * Checks that the disk of a running volume is still there and accepts bytes; a full disk is fine. Gives the reason when
 * the check fails.
 */
export async function probeVolume(folder: string): Promise<string | undefined> {
  const path = join(folder, 'probe.tmp')
  try {
    // Our lock file is missing when something else, or nothing, is mounted there now.
    await readFile(join(folder, 'lock'))
    await writeFile(path, 'probe', { flush: true })
    await rm(path)
    return undefined
  } catch (err) {
    return hasCode(err, 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE') ? undefined : (codeOf(err) ?? 'UNKNOWN')
  }
}
