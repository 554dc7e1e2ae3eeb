import { open, statfs } from 'node:fs/promises'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { tempFolder } from '../kit/temp-folder.ts'

const CHUNK = Buffer.alloc(64 * 1024 * 1024)

const inGib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`

/**
 * Fills and frees that many bytes of the temporary folder. In a virtual machine the first touch of memory costs far
 * more than the next ones, and the bench would count it.
 *
 * @throws when the machine or the folder has less than that
 */
export async function touchMemory(bytes: number, signal: AbortSignal): Promise<void> {
  await using folder = await tempFolder('touch')
  const { bavail, bsize } = await statfs(folder.path)
  const free = Math.min(bavail * bsize, freemem())
  if (free < bytes) throw new Error(`needs ${inGib(bytes)} of memory in ${folder.path}, and ${inGib(free)} are free`)
  await using file = await open(join(folder.path, 'zeros'), 'w')
  for (let written = 0; written < bytes; written += CHUNK.length) {
    signal.throwIfAborted()
    await file.write(CHUNK)
  }
}
