import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, hasCode } from '../../base/index.ts'

/** Whether the disk of a running volume is still there and takes bytes; a full one is well. The reason why not. */
export async function probeVolume(folder: string): Promise<string | undefined> {
  const path = join(folder, 'probe.tmp')
  try {
    // Its own lock is gone when something else is mounted there now, or nothing.
    await readFile(join(folder, 'lock'))
    await writeFile(path, 'probe', { flush: true })
    await rm(path)
    return undefined
  } catch (err) {
    return hasCode(err, 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE') ? undefined : (codeOf(err) ?? 'UNKNOWN')
  }
}
