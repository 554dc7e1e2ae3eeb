import { appError } from '../base/index.ts'
import { type Digest, parseDigest } from '../core/index.ts'
import { checkKey } from './key.ts'

const form = /^blobs\/([a-z0-9]+)\/([0-9a-f]{2})\/([0-9a-f]+)$/

/**
 * The digest in a key of the form `blobs/<algorithm>/<first two digits>/<hex>`.
 * @throws BACKEND_KEY_INVALID for any other key
 */
export function digestOfKey(key: string): Digest {
  checkKey(key)
  const [, algorithm = '', start = '', hex = ''] = form.exec(key) ?? []
  try {
    if (!hex.startsWith(start)) throw appError('DIGEST_INVALID')
    return parseDigest(`${algorithm}:${hex}`)
  } catch (err) {
    const message = 'the backend holds content by its digest alone, and the key names none'
    throw appError('BACKEND_KEY_INVALID', { message, detail: { key }, cause: err })
  }
}
