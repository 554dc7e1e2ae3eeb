import { createHash } from 'node:crypto'
import { appError } from '../base/index.ts'

declare const brand: unique symbol

/** An OCI content digest in its canonical text form, e.g. `sha256:<64 hex>`. Compare with `===`; use as a map key. */
export type Digest = string & { readonly [brand]: 'Digest' }

/** Algorithms registered by the OCI image spec. */
export type DigestAlgorithm = 'sha256' | 'sha512'

const hexLength: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 }

/** Parses a digest of a registered algorithm. @throws DIGEST_INVALID */
export function parseDigest(text: string): Digest {
  const at = text.indexOf(':')
  const algorithm = text.slice(0, at)
  const hex = text.slice(at + 1)
  if (algorithm !== 'sha256' && algorithm !== 'sha512') {
    throw appError('DIGEST_INVALID', { message: 'the digest must start with sha256: or sha512:' })
  }
  if (hex.length !== hexLength[algorithm] || !/^[0-9a-f]+$/.test(hex)) {
    throw appError('DIGEST_INVALID', {
      message: `a ${algorithm} digest is ${hexLength[algorithm]} lower-case hex characters`,
    })
  }
  return text as Digest
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

/** The hex part of a digest. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

/** The digest of `bytes`. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return digestFromHex(algorithm, createHash(algorithm).update(bytes).digest('hex'))
}

/** Builds a digest from a hash that was computed before. */
export function digestFromHex(algorithm: DigestAlgorithm, hex: string): Digest {
  return parseDigest(`${algorithm}:${hex}`)
}
