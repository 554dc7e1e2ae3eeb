import { appError } from '../base/index.ts'
import { parseRepositoryName, type RepositoryName } from '../core/index.ts'

/**
 * What a path below `/v2` names. References, digests and sessions are still plain text, because the error for a
 * malformed one depends on the method.
 */
export type RegistryTarget =
  | { readonly kind: 'ping' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'tags'; readonly name: RepositoryName }
  | { readonly kind: 'manifest'; readonly name: RepositoryName; readonly reference: string }
  | { readonly kind: 'referrers'; readonly name: RepositoryName; readonly digest: string }
  | { readonly kind: 'blob'; readonly name: RepositoryName; readonly digest: string }
  | { readonly kind: 'uploads'; readonly name: RepositoryName }
  | { readonly kind: 'upload'; readonly name: RepositoryName; readonly session: string }

/**
 * Parses a raw (still percent-encoded) path from the right, because a repository may have components named `blobs`,
 * `manifests`, `tags` or `uploads`.
 * @throws NAME_INVALID for a malformed name or a forbidden escape, NOT_FOUND when no endpoint has this shape
 */
export function parseRegistryPath(rawPath: string): RegistryTarget {
  const [root, version, ...raw] = rawPath.split('/')
  if (root !== '' || version !== 'v2') throw appError('NOT_FOUND')
  if (raw.length === 0 || (raw.length === 1 && raw[0] === '')) return { kind: 'ping' }
  const segments = raw.map(decodeSegment)
  if (segments.length === 1 && segments[0] === '_catalog') return { kind: 'catalog' }
  return uploadTarget(segments) ?? contentTarget(segments)
}

function uploadTarget(segments: readonly string[]): RegistryTarget | undefined {
  const open = segments.at(-1) === '' ? segments.slice(0, -1) : segments
  if (endsWith(open, 'blobs', 'uploads')) return { kind: 'uploads', name: nameOf(open.slice(0, -2)) }
  if (segments.length > 3 && endsWith(segments.slice(0, -1), 'blobs', 'uploads')) {
    return { kind: 'upload', name: nameOf(segments.slice(0, -3)), session: segments.at(-1) ?? '' }
  }
  return undefined
}

function contentTarget(segments: readonly string[]): RegistryTarget {
  const last = segments.at(-1) ?? ''
  const name = segments.slice(0, -2)
  switch (segments.at(-2)) {
    case 'blobs':
      return { kind: 'blob', name: nameOf(name), digest: last }
    case 'manifests':
      return { kind: 'manifest', name: nameOf(name), reference: last }
    case 'referrers':
      return { kind: 'referrers', name: nameOf(name), digest: last }
    case 'tags':
      if (last === 'list') return { kind: 'tags', name: nameOf(name) }
      break
    default:
      break
  }
  throw appError('NOT_FOUND')
}

function endsWith(segments: readonly string[], beforeLast: string, last: string): boolean {
  return segments.length > 2 && segments.at(-2) === beforeLast && segments.at(-1) === last
}

function nameOf(segments: readonly string[]): RepositoryName {
  return parseRepositoryName(segments.join('/'))
}

/**
 * A decoded segment must stay one segment: an escaped slash, a NUL or a dot segment could name something else later.
 */
function decodeSegment(raw: string): string {
  let text: string
  try {
    text = decodeURIComponent(raw)
  } catch (err) {
    throw appError('NAME_INVALID', { message: 'the path has a malformed percent escape', cause: err })
  }
  if (text.includes('/') || text.includes('\\') || text.includes('\0') || text === '.' || text === '..') {
    throw appError('NAME_INVALID', { message: 'the path has a segment that is not allowed' })
  }
  return text
}
