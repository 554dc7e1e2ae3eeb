import { appError } from '../base/index.ts'
import {
  type Digest,
  digestFromHex,
  parseDigest,
  parseRegistryHost,
  parseRepository,
  parseTag,
  type Repository,
  type Tag,
} from '../core/index.ts'

/** What Kraken calls a tag: a repository and a tag in it. */
export interface ImageTag {
  readonly repository: Repository
  readonly tag: Tag
}

const bareHex = /^[0-9a-f]{64}$/

/** Parses `repository:tag`, as it stands in Kraken's paths after decoding. @throws TAG_INVALID, NAME_INVALID */
export function parseImageTag(text: string): ImageTag {
  const colon = text.lastIndexOf(':')
  if (colon < 0) throw malformed('write it like repository:tag')
  return { repository: parseRepository(text.slice(0, colon)), tag: parseTag(text.slice(colon + 1)) }
}

/**
 * Parses `address/namespace/image:tag`, as a prefetch names an image: the address, of the proxy that it is pulled from,
 * says nothing about the image. Without a namespace the address must look like one. @throws TAG_INVALID, NAME_INVALID
 */
export function parseAddressedTag(text: string): ImageTag {
  const [address = '', ...parts] = text.split('/')
  if (parts.length === 0) throw malformed('write it like address/namespace/image:tag')
  if (parts.length === 1) parseRegistryHost(address)
  return parseImageTag(parts.join('/'))
}

/** Parses a digest, or the bare hex of a SHA-256, which Kraken's agents take as well. @throws DIGEST_INVALID */
export function parseLooseDigest(text: string): Digest {
  return bareHex.test(text) ? digestFromHex('sha256', text) : parseDigest(text)
}

function malformed(how: string) {
  return appError('TAG_INVALID', { message: `the tag of an image is malformed; ${how}` })
}
