import { appError } from '../base/index.ts'

/** The target of a request line, still percent-encoded. */
export interface RequestTarget {
  /** `host:port` of a whole URL, as it was sent; undefined for a path. */
  readonly authority?: string
  /** Of a whole URL; `tunnel` for what CONNECT asks for, whose path is empty. */
  readonly scheme?: 'http' | 'https' | 'tunnel'
  readonly path: string
  /** Without the question mark. */
  readonly query: string
}

/**
 * Reads a request target as a path or as a whole URL, whose host is for the door to judge (RFC 9112, 3.2.2). A path is never
 * taken for a host, however many slashes it begins with. `*` stands for the server and is the path of no route.
 * @throws REQUEST_INVALID for any other form, and for a fragment
 */
export function parseRequestTarget(text: string): RequestTarget {
  const [start = '', scheme = '', authority] = /^(https?):\/\/([^/?#]+)/i.exec(text) ?? []
  const rest = text.slice(start.length)
  const mark = rest.indexOf('?')
  const path = mark < 0 ? rest : rest.slice(0, mark)
  const sane = path.startsWith('/') || text === '*' || (path === '' && authority !== undefined)
  if (!sane || text.includes('#')) throw appError('REQUEST_INVALID', { message: 'the request target is malformed' })
  return {
    path: path === '' ? '/' : path,
    query: mark < 0 ? '' : rest.slice(mark + 1),
    ...(authority === undefined ? {} : { authority, scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http' }),
  }
}
