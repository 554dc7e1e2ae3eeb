import { readFile } from 'node:fs/promises'
import { appError, type TlsTexts } from '../../../lib/base/index.ts'

/** How the API of a cluster is reached. */
export interface AccessTexts {
  /** Base URL without a trailing slash. */
  readonly server: string
  /** Of objects that name none. */
  readonly namespace: string
  /** Bearer token; undefined when a certificate shows who is calling. */
  readonly token: string | undefined
  readonly tls: TlsTexts
}

/** Reads all files of an access. @throws CONFIG_INVALID */
export type AccessSource = () => Promise<AccessTexts>

/** @throws CONFIG_INVALID naming the file, and nothing of what it holds */
export async function textOfFile(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (err) {
    throw appError('CONFIG_INVALID', {
      message: `cannot read ${what} ${file}; check the path and its rights`,
      cause: err,
    })
  }
}

/** What a header can carry: files end with a line break. @throws CONFIG_INVALID */
export function tokenIn(text: string, where: string): string {
  const token = text.trim()
  if (!/^[\x21-\x7e]+$/.test(token)) throw appError('CONFIG_INVALID', { message: `${where} holds no token` })
  return token
}
