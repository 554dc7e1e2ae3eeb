import type { Descriptor } from '../core/index.ts'
import type { ContentFacts } from '../http/index.ts'

/** Content addressed by its digest never changes; `private`, because who may read it can. */
const IMMUTABLE = 'private, max-age=31536000, immutable'
const REVALIDATE = 'private, no-cache'

/** What a registry says of a content; `immutable` is false for a tag, which may move. */
export function contentFacts({ digest, size, mediaType }: Descriptor, immutable: boolean): ContentFacts {
  const headers = { 'docker-content-digest': digest, 'cache-control': immutable ? IMMUTABLE : REVALIDATE }
  return { tag: digest, size, mediaType, headers }
}
