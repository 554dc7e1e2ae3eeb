import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { join } from 'node:path'
import { appError, makeOwnFolder, type Random, readSmall, replaceFile } from '../../../lib/base/index.ts'

/** Keeps secrets of others so that whoever has the database alone has none of them. */
export interface Seal {
  /** `about` says what it belongs to: a sealed text that is moved to another row does not open there. */
  close(text: string, about: string): string
  /** @throws SEAL_BROKEN when it was sealed with another key, or changed */
  open(sealed: string, about: string): string
}

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'
/** The form of a sealed text. */
const FORM = 'v1.'

/** AES-256-GCM: nonce, then tag, then what is sealed. */
export function seal(key: Uint8Array, random: Random): Seal {
  return {
    close(text, about) {
      const nonce = random.bytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(about))
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return FORM + Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')
    },
    open(sealed, about) {
      try {
        const bytes = Buffer.from(sealed.slice(FORM.length), 'base64url')
        const [nonce, tag, rest] = [
          bytes.subarray(0, NONCE_BYTES),
          bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES),
          bytes.subarray(NONCE_BYTES + TAG_BYTES),
        ]
        const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
        decipher.setAAD(Buffer.from(about)).setAuthTag(tag)
        return Buffer.concat([decipher.update(rest), decipher.final()]).toString('utf8')
      } catch (err) {
        throw appError('SEAL_BROKEN', { cause: err })
      }
    },
  }
}

/** The key that managers share by their configs. */
export const sharedKey = (secret: string): Uint8Array => createHash('sha256').update(secret).digest()

const FILE = 'seal.key'

/** The key in the folder, 32 bytes that only the user of the manager may read; made at the first start. @throws SEAL_BROKEN */
export async function folderKey(folder: string, random: Random): Promise<Uint8Array> {
  const path = join(folder, FILE)
  const found = await readSmall(path)
  if (found?.length === KEY_BYTES) return found
  if (found !== undefined) throw appError('SEAL_BROKEN', { message: `${path} is no key of ${KEY_BYTES} bytes` })
  await makeOwnFolder(folder)
  const made = random.bytes(KEY_BYTES)
  await replaceFile(path, made)
  return made
}
