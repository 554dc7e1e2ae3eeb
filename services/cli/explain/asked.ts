import { appError } from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import { digestIn, imageName } from '../image-name.ts'

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

/** Reads an image, a digest or the id of a pull. @throws CONFIG_INVALID */
export function askedOf(text: string): Asked {
  if (text.trim() === '') throw appError('CONFIG_INVALID', { message: 'say an image, a digest or the id of a pull' })
  if (pullId.test(text)) return { kind: 'pull', id: text }
  if (/^sha\d+:/.test(text)) return { kind: 'digest', digest: digestIn(text) }
  const { name, host, repository, reference } = imageName(text)
  // The host is that of the agent, or one that stands for the cluster itself, or another registry.
  return { kind: 'image', reference, repositories: host === undefined ? [name] : [name, repository] }
}
