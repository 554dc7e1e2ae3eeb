import { appError } from '../../lib/base/index.ts'
import { type Digest, parseDigest } from '../../lib/core/index.ts'

/** An image or a blob as people write it. */
export interface ImageName {
  /** All before the tag or the digest. */
  readonly name: string
  /** The first part of the name where it can only be a host, and what follows it. */
  readonly host: string | undefined
  readonly repository: string
  /** The tag, `latest` if none was written, or the digest. */
  readonly reference: string
  /** The reference when it is a digest. */
  readonly digest: Digest | undefined
}

const isHost = (part: string) => part.includes('.') || part.includes(':') || part === 'localhost'

/** Reads `[HOST/]REPOSITORY[:TAG][@DIGEST]`. @throws CONFIG_INVALID */
export function imageName(text: string): ImageName {
  const [before = '', after] = text.split('@')
  const { name, tag } = splitTag(before)
  const digest = after === undefined ? undefined : digestIn(after)
  const [first = '', ...rest] = name.split('/')
  const isHosted = rest.length > 0 && isHost(first)
  return {
    ...{ name, digest, reference: digest ?? tag },
    host: isHosted ? first : undefined,
    repository: isHosted ? rest.join('/') : name,
  }
}

/** @throws CONFIG_INVALID */
export function digestIn(text: string): Digest {
  try {
    return parseDigest(text)
  } catch (err) {
    throw appError('CONFIG_INVALID', { message: `"${text}" is not a digest`, cause: err })
  }
}

function splitTag(name: string): { readonly name: string; readonly tag: string } {
  const colon = name.lastIndexOf(':')
  if (colon <= name.lastIndexOf('/')) return { name, tag: 'latest' }
  return { name: name.slice(0, colon), tag: name.slice(colon + 1) }
}
