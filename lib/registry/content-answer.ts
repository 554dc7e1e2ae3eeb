import type { IncomingHttpHeaders } from 'node:http'
import type { ByteRange, Digest } from '../core/index.ts'

/** Content addressed by its digest never changes; `private`, because who may read it can. */
const IMMUTABLE = 'private, max-age=31536000, immutable'
const REVALIDATE = 'private, no-cache'

/** Headers that every answer with content carries; `immutable` is false for a tag, which may move. */
export function contentHeaders(digest: Digest, immutable: boolean) {
  return {
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'cache-control': immutable ? IMMUTABLE : REVALIDATE,
  }
}

/** True when `If-None-Match` names the digest; quoted, weak and (as old clients send it) bare. */
export function isNotModified(headers: IncomingHttpHeaders, digest: Digest): boolean {
  const given = headers['if-none-match']
  if (given === undefined) return false
  return given.split(',').some((part) => {
    const tag = part.trim().replace(/^W\//, '')
    return tag === '*' || tag === digest || tag === `"${digest}"`
  })
}

/**
 * The range that `Range` and `If-Range` ask of `size` bytes; undefined means the whole. Several ranges, units other
 * than bytes and an `If-Range` for something else get the whole; a range that starts at or after the end, or ends
 * before it starts, cannot be satisfied.
 */
export function rangeRequest(
  headers: IncomingHttpHeaders,
  digest: Digest,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const given = headers.range
  const condition = headers['if-range']
  if (given === undefined || (condition !== undefined && condition !== `"${digest}"`)) return undefined
  const [, first = '', last = ''] = /^bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(given) ?? []
  if (first === '' && last === '') return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  return start < end ? { start, end } : 'unsatisfiable'
}
