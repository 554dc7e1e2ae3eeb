import { readFile, realpath } from 'node:fs/promises'
import { appError } from '../../../lib/base/index.ts'

/** Where a process finds the words of process 1, and its own program. */
export interface ProcessOneInit {
  readonly commandLine: string
  /** Path of the `shoal` program that asks. */
  readonly program: string
}

const sameFile = async (a: string, b: string): Promise<boolean> => {
  const [one, other] = await Promise.all([a, b].map((path) => realpath(path).catch(() => undefined)))
  return one !== undefined && one === other
}

/**
 * What process 1, or the init in front of it, was told to run as `shoal`: in a container that is the service of the
 * container, which a health check has no other way to know.
 * @throws CONFIG_INVALID when process 1 does not run this program
 */
export async function processOneWords({ commandLine, program }: ProcessOneInit): Promise<readonly string[]> {
  const text = await readFile(commandLine, 'utf8').catch(() => '')
  const words = text.split('\0').slice(0, -1)
  for (const [at, word] of words.entries()) {
    if (word.startsWith('/') && (await sameFile(word, program))) return words.slice(at + 1)
  }
  throw appError('CONFIG_INVALID', { message: 'process 1 is no shoal; say which service to ask: shoal probe SERVICE' })
}
