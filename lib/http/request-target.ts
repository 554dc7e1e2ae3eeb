import { appError } from '../base/index.ts'

/** What a request line asks for, still percent-encoded. */
export interface RequestTarget {
  readonly path: string
  /** Without its question mark. */
  readonly query: string
}

/**
 * Reads a request target as a path or as a whole URL, whose host is not looked at (RFC 9112, 3.2.2). A path is never
 * taken for a host, however many slashes it begins with. `*` stands for the server and is the path of no route.
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
