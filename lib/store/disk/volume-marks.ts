import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, replaceFile } from '../../base/index.ts'

/**
 * Each volume names all volumes of its store in a file `volumes`, a list of folders as JSON. When a folder lacks this
 * file although another volume names the folder, its disk is not mounted, and the folder must not be filled.
 */
const FILE = 'volumes'

/** The list in a folder; undefined when the folder has no such file. */
export async function readMark(folder: string): Promise<readonly string[] | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(folder, FILE), 'utf8'))
    return Array.isArray(parsed) ? parsed.filter((name) => typeof name === 'string') : []
  } catch (err) {
    if (hasCode(err, 'ENOENT', 'ENOTDIR')) return undefined
    throw err
  }
}

export function writeMark(folder: string, folders: readonly string[]): Promise<void> {
  return replaceFile(join(folder, FILE), JSON.stringify(folders))
}
