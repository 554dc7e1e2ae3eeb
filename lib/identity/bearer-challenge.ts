import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'

export interface BearerChallenge {
  /** Where tokens are given; without a query, since some clients cut there. Default: that path of the host of the request. */
  readonly realm: string | undefined
  readonly path: string
  readonly service: string
  readonly scope?: string | undefined
  readonly error?: string | undefined
}

const hostShape = /^[\w.:[\]-]{1,260}$/

/** A `WWW-Authenticate` header that sends a registry client to its token service (RFC 6750, and distribution's form of it). */
export function bearerChallenge(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  { realm, path, service, scope, error }: BearerChallenge,
): string {
  const scheme = (socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http'
  const named = headers.host
  const host = named !== undefined && hostShape.test(named) ? named : `127.0.0.1:${socket.localPort ?? 80}`
  const fields = { realm: realm ?? `${scheme}://${host}${path}`, service, scope, error }
  const shown = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${value}"`]))
  return `Bearer ${shown.join(',')}`
}
