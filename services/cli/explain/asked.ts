import { appError } from '../../../lib/base/index.ts'
import { type Digest, parseDigest } from '../../../lib/core/index.ts'

/** What somebody wants explained. */
export type Asked =
  | { readonly kind: 'pull'; readonly id: string }
  | { readonly kind: 'digest'; readonly digest: Digest }
  | {
      readonly kind: 'image'
      /** Text forms under which the agent may know the repository, the likeliest first. */
      readonly repositories: readonly string[]
      /** A tag or a digest. */
      readonly reference: string
    }

const pullId = /^[0-9a-f]{6}-\d{1,15}$/
const isHost = (part: string) => part.includes('.') || part.includes(':') || part === 'localhost'

/** Reads an image, a digest or the id of a pull. @throws CONFIG_INVALID */
export function askedOf(text: string): Asked {
  if (text.trim() === '') throw appError('CONFIG_INVALID', { message: 'say an image, a digest or the id of a pull' })
  if (pullId.test(text)) return { kind: 'pull', id: text }
  if (/^sha\d+:/.test(text)) return { kind: 'digest', digest: digestIn(text) }
  const [name = '', digest] = text.split('@')
  const { repository, tag } = splitTag(name)
  const reference = digest === undefined ? tag : digestIn(digest)
  const [first = '', ...rest] = repository.split('/')
  // The host is that of the agent, or one that stands for the cluster itself, or another registry.
  const isHosted = rest.length > 0 && isHost(first)
  return { kind: 'image', reference, repositories: isHosted ? [repository, rest.join('/')] : [repository] }
}

function splitTag(name: string): { readonly repository: string; readonly tag: string } {
  const colon = name.lastIndexOf(':')
  if (colon <= name.lastIndexOf('/')) return { repository: name, tag: 'latest' }
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) }
}

function digestIn(text: string): Digest {
  try {
    return parseDigest(text)
  } catch (err) {
    throw appError('CONFIG_INVALID', { message: `"${text}" is not a digest`, cause: err })
  }
}
