import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../lib/base/index.ts'
import { run } from '../kit/run.ts'

/** A file system of its own, which can be filled to its last byte. */
export interface SmallDisk extends AsyncDisposable {
  fill(): Promise<void>
  empty(): Promise<void>
}

/** Mounts one at a folder, which it makes. Undefined where this user may not: only root may, on Linux. */
export async function smallDisk(folder: string, mib: number): Promise<SmallDisk | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  await mkdir(folder, { recursive: true })
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', folder])
  } catch {
    return undefined
  }
  const ballast = join(folder, 'ballast')
  return {
    async fill() {
      try {
        await writeFile(ballast, new Uint8Array(mib * 2 ** 20))
      } catch (err) {
        if (!hasCode(err, 'ENOSPC')) throw err
      }
    },
    empty: () => rm(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      await run('umount', ['-l', folder])
    },
  }
}
