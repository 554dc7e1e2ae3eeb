import { appError } from '../base/index.ts'

/** The target of a request line, still percent-encoded. */
export interface RequestTarget {
  readonly path: string
  /** Without the question mark. */
  readonly query: string
}

/**
 * Parses a request target that is a path or a whole URL; the URL's host is ignored (RFC 9112, 3.2.2). A path is never
 * mistaken for a host, even with several leading slashes. `*` means the server and matches no route.
 * @throws REQUEST_INVALID for any other form, and for a fragment
 */
export function parseRequestTarget(text: string): RequestTarget {
  const authority = /^https?:\/\/[^/?#]+/i.exec(text)?.[0] ?? ''
  const rest = text.slice(authority.length)
  const mark = rest.indexOf('?')
  const path = mark < 0 ? rest : rest.slice(0, mark)
  const sane = path.startsWith('/') || text === '*' || (path === '' && authority !== '')
  if (!sane || text.includes('#')) throw appError('REQUEST_INVALID', { message: 'the request target is malformed' })
  return { path: path === '' ? '/' : path, query: mark < 0 ? '' : rest.slice(mark + 1) }
}
