import { open, readFile, realpath, rm } from 'node:fs/promises'
import { appError, hasCode, replaceFile } from '../../../lib/base/index.ts'
import { type NamedToken, parseTokenFile, tokenFileText } from '../../../lib/identity/index.ts'

/** The tokens of a file; none when it is missing. @throws CONFIG_INVALID */
export async function readTokens(path: string): Promise<readonly NamedToken[]> {
  try {
    return parseTokenFile(await readFile(path, 'utf8'))
  } catch (err) {
    if (hasCode(err, 'ENOENT')) return []
    throw hasCode(err, 'CONFIG_INVALID') ? err : invalid(`cannot read ${path}; check the path and its rights`, err)
  }
}

/**
 * Writes what `change` makes of the tokens of a file; one program at a time, so that none loses what another one wrote.
 * @throws CONFIG_INVALID, and what `change` throws; then the file is as it was
 */
export async function changeTokens(
  path: string,
  change: (tokens: readonly NamedToken[]) => readonly NamedToken[],
): Promise<void> {
  // A link stays one.
  const target = await realpath(path).catch(() => path)
  const lock = `${target}.lock`
  const held = await open(lock, 'wx', 0o600).catch((err: unknown) => {
    if (!hasCode(err, 'EEXIST')) throw invalid(`cannot write beside ${target}; check the path and its rights`, err)
    throw invalid(`another shoal token changes ${target}; if there is none, remove ${lock}`, err)
  })
  try {
    await replaceFile(target, tokenFileText(change(await readTokens(target))))
  } finally {
    await held.close()
    await rm(lock, { force: true })
  }
}

function invalid(message: string, cause: unknown) {
  return appError('CONFIG_INVALID', { message, cause })
}
