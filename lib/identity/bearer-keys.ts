import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto'
import { appError } from '../base/index.ts'

/** A key that signs or proves tokens. */
export interface BearerKey {
  /** Which key it is, in tokens. */
  readonly id: string
  readonly algorithm: 'EdDSA' | 'RS256'
  readonly public: KeyObject
}

/** The first key of the file signs; all of them prove tokens. */
export interface BearerKeys {
  readonly signing: BearerKey & { readonly private: KeyObject }
  readonly proving: readonly BearerKey[]
}

/** An Ed25519 key in PKCS#8 (RFC 8410) is this and 32 bytes. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
/** Fewest bits of a key of RSA. */
const LEAST_RSA_BITS = 2048

/** The key that follows from a secret: whoever has the same secret has the same key. */
export function derivedKeys(secret: string | Uint8Array): BearerKeys {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'shoal: key of the bearer tokens of a registry', 32))
  const key = createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: 'der', type: 'pkcs8' })
  const signing = { ...describe(createPublicKey(key)), private: key }
  return { signing, proving: [signing] }
}

/**
 * Keys in PEM: the first one, a private key, signs; the others, private or public, only prove tokens that were signed before,
 * or by proxies that have not got the new key yet. @throws CONFIG_INVALID, which shows nothing of a key
 */
export function parseKeyFile(text: string): BearerKeys {
  const blocks = text.match(/-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g) ?? []
  const [first] = blocks
  if (first === undefined || !first.includes('PRIVATE KEY')) throw invalid('the first key must be a private key in PEM')
  const own = parsed(first, createPrivateKey)
  const signing = { ...describe(createPublicKey(own)), private: own }
  const others = blocks.slice(1).map((block) => describe(parsed(block, createPublicKey)))
  return { signing, proving: [signing, ...others] }
}

function parsed(block: string, parse: (block: string) => KeyObject): KeyObject {
  try {
    return parse(block)
  } catch (err) {
    throw appError('CONFIG_INVALID', { message: 'a key of the key file is not understood', cause: err })
  }
}

function describe(key: KeyObject): BearerKey {
  const id = createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex')
    .slice(0, 32)
  if (key.asymmetricKeyType === 'ed25519') return { id, algorithm: 'EdDSA', public: key }
  const bits = key.asymmetricKeyType === 'rsa' ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : 0
  if (bits < LEAST_RSA_BITS) throw invalid(`a key must be of Ed25519, or of RSA with ${LEAST_RSA_BITS} bits or more`)
  return { id, algorithm: 'RS256', public: key }
}

function invalid(message: string) {
  return appError('CONFIG_INVALID', { message })
}
