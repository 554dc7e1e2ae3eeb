import { appError } from '../../base/index.ts'
import type { RequestTarget } from '../request-target.ts'

/** What a request for a host elsewhere asks for. */
export interface ForeignTarget {
  /** As `URL` writes it: lower case, IPv4 in its four decimal parts, IPv6 in brackets; without the dot of the root. */
  readonly host: string
  /** As the request says, else the usual one of the scheme. */
  readonly port: number
  /** `tunnel`: a connection for whatever the client and the host say to each other. */
  readonly scheme: 'http' | 'https' | 'tunnel'
  /** Whether the request itself names the port. */
  readonly hasPort: boolean
  /** With its query, as it was sent; empty for a tunnel. */
  readonly path: string
}

const MAX_AUTHORITY_CHARS = 260
/** No user, no escapes: whoever reads such a host in another way would be sent elsewhere. */
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\%]+)(?::(\d{1,5}))?$/i

const malformed = () => appError('REQUEST_INVALID', { message: 'the host of the request target is malformed' })

const usualPorts = { http: 80, https: 443, tunnel: undefined } as const

/**
 * Reads the host as a URL does, so that every way to write an address (`127.1`, `0x7f000001`) becomes the usual one before
 * anybody judges it. @throws REQUEST_INVALID
 */
export function foreignTarget({ scheme = 'http', authority = '', path, query }: RequestTarget): ForeignTarget {
  const [, name = '', digits] = authority.length > MAX_AUTHORITY_CHARS ? [] : (AUTHORITY.exec(authority) ?? [])
  const url = `http://${name}/`
  if (name === '' || !URL.canParse(url)) throw malformed()
  const host = new URL(url).hostname.replace(/\.$/, '')
  const port = digits === undefined ? usualPorts[scheme] : Number(digits)
  if (host === '' || port === undefined || port < 1 || port > 65_535) throw malformed()
  return { scheme, host, port, hasPort: digits !== undefined, path: query === '' ? path : `${path}?${query}` }
}

/** The authority of a URL of that scheme; without a port that is the usual one. */
export function authorityOf({ host, port }: Pick<ForeignTarget, 'host' | 'port'>, scheme: 'http' | 'https'): string {
  return port === usualPorts[scheme] ? host : `${host}:${port}`
}
