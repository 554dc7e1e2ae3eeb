import type { ContentFacts } from '../http/index.ts'
import type { FoundManifest } from './storage.ts'

/** Content with a given digest never changes; `private`, because the right to read it may change. */
const IMMUTABLE = 'private, max-age=31536000, immutable'
const REVALIDATE = 'private, no-cache'

/** The headers of content; `immutable` is false for a tag, which may move. */
export function contentFacts(
  { digest, size, mediaType, staleSinceMs }: FoundManifest,
  immutable: boolean,
): ContentFacts {
  const headers = {
    'docker-content-digest': digest,
    'cache-control': immutable ? IMMUTABLE : REVALIDATE,
    warning: staleSinceMs === undefined ? undefined : staleWarning(staleSinceMs),
  }
  return { tag: digest, size, mediaType, headers }
}

/** As the OCI distribution spec wants warnings: code 299, agent `-`, text without quotes. */
export function staleWarning(sinceMs: number): string {
  return `299 - "the registry does not answer; this is what it said at ${new Date(sinceMs).toISOString()}"`
}
