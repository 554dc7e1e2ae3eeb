import { appError, hasCode } from '../base/index.ts'
import {
  digestAlgorithm,
  digestOf,
  INLINE_LIMIT,
  type MetaInfoHeader,
  PROTOCOL_VERSION,
  parseDigest,
  pieceLengthFor,
} from '../core/index.ts'

/** Largest blob that the swarm transfers, in bytes; its million pieces of 1 MiB keep tables and bitfields small. */
export const MAX_BLOB_LENGTH = 1024 ** 4

const invalid = (message: string) => appError('METAINFO_INVALID', { message })

/**
 * Checks everything in a header that can be checked without the blob: version, digest, length, piece length, and for
 * inline content its length and digest. Returns the header with only its known fields.
 * @throws METAINFO_INVALID
 */
export function checkHeader(header: { readonly [K in keyof MetaInfoHeader]: unknown }): MetaInfoHeader {
  const { v, length, pieceLength, data } = header
  if (v !== PROTOCOL_VERSION) throw invalid(`the version of the metainfo must be ${PROTOCOL_VERSION}`)
  if (!isLength(length)) throw invalid('the length of the blob is not a whole number within the limit')
  if (pieceLength !== pieceLengthFor(length)) throw invalid('the piece length does not match the length')
  const digest = checkDigest(header.digest)
  const base = { v, digest, length, pieceLength }
  if (data === undefined) return base
  const content = data as Uint8Array
  if (content.length !== length || length > INLINE_LIMIT) throw invalid('the inline content has the wrong length')
  if (digestOf(content, digestAlgorithm(digest)) !== digest) throw invalid('the inline content has another digest')
  return { ...base, data: content }
}

function isLength(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_BLOB_LENGTH
}

function checkDigest(digest: unknown) {
  if (typeof digest !== 'string') throw invalid('the digest is missing')
  try {
    return parseDigest(digest)
  } catch (err) {
    if (hasCode(err, 'DIGEST_INVALID'))
      throw appError('METAINFO_INVALID', { message: 'the digest is malformed', cause: err })
    throw err
  }
}
