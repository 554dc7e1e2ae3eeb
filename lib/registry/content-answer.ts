import type { IncomingHttpHeaders } from 'node:http'
import type { ByteRange, Digest } from '../core/index.ts'
import { entityTag, ifRangeHolds, parseRange } from '../http/index.ts'

/** Content addressed by its digest never changes; `private`, because who may read it can. */
const IMMUTABLE = 'private, max-age=31536000, immutable'
const REVALIDATE = 'private, no-cache'

/** Headers that every answer with content carries; `immutable` is false for a tag, which may move. */
export function contentHeaders(digest: Digest, immutable: boolean) {
  return {
    'docker-content-digest': digest,
    etag: entityTag(digest),
    'cache-control': immutable ? IMMUTABLE : REVALIDATE,
  }
}

/**
 * The range of a blob that the client gets; undefined means the whole. Several ranges get the whole, also where one
 * alone could be answered: a client that asked for two must not take one for both.
 */
export function rangeFor(
  headers: IncomingHttpHeaders,
  digest: Digest,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  if (headers.range?.includes(',') === true || !ifRangeHolds(headers['if-range']?.toString(), digest)) return undefined
  const asked = parseRange(headers.range, size)
  if (asked.kind === 'unsatisfiable') return 'unsatisfiable'
  return asked.kind === 'single' ? asked.range : undefined
}
