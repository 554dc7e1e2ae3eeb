import { appError } from '../../../../../lib/base/index.ts'
import { type TsigKey, tsigAlgorithms } from './tsig.ts'

/** A key as `tsig-keygen` of bind writes it: `key "name" { algorithm hmac-sha256; secret "..."; };` */
const FORM = /^\s*key\s+"?([a-z0-9._-]{1,200})"?\s*\{([^{}]*)\}\s*;?\s*$/i

/** @throws CONFIG_INVALID, which shows nothing of the text */
export function tsigKeyIn(text: string, path: string): TsigKey {
  // A secret may have what begins a comment elsewhere.
  const lines = text.replace(/("[^"\n]*")|(?:\/\/|#).*$/gm, (_, quoted: string | undefined) => quoted ?? '')
  const [, name, body = ''] = FORM.exec(lines) ?? []
  const [, algorithm = ''] = /\balgorithm\s+"?([a-z0-9-]+)"?\s*;/i.exec(body) ?? []
  const [, secret = ''] = /\bsecret\s+"([A-Za-z0-9+/]{20,}={0,2})"\s*;/.exec(body) ?? []
  const known = tsigAlgorithms.find((each) => each === algorithm.toLowerCase())
  if (name === undefined || known === undefined || secret === '') {
    const message = `${path} must be a key as tsig-keygen writes it, of hmac-sha256, hmac-sha384 or hmac-sha512`
    throw appError('CONFIG_INVALID', { message })
  }
  return { name: name.toLowerCase(), algorithm: known, secret: Buffer.from(secret, 'base64') }
}
