import type { Descriptor } from '../core/index.ts'
import type { ContentFacts } from '../http/index.ts'

/** Content with a given digest never changes; `private`, because the right to read it may change. */
const IMMUTABLE = 'private, max-age=31536000, immutable'
const REVALIDATE = 'private, no-cache'

/** The headers of content; `immutable` is false for a tag, which may move. */
export function contentFacts({ digest, size, mediaType }: Descriptor, immutable: boolean): ContentFacts {
  const headers = { 'docker-content-digest': digest, 'cache-control': immutable ? IMMUTABLE : REVALIDATE }
  return { tag: digest, size, mediaType, headers }
}
