import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { appError } from '../../../lib/base/index.ts'
import { type ForeignTarget, foreignTarget, type RequestTarget } from '../../../lib/http/index.ts'

/** A connection inside of a tunnel that is looked into. */
export interface Inside {
  /** What the client has asked for by CONNECT. */
  readonly host: string
  readonly port: number
  /** What it has shown to the proxy by then. */
  readonly toProxy: string | undefined
  /** Whether there has been a request. */
  used: boolean
}

/** The connections inside of tunnels, as long as they are open. */
export type Insides = WeakMap<Socket, Inside>

const misdirected = (message: string) => appError('HOST_UNKNOWN', { message })

/**
 * What a request inside of a tunnel asks for: the URL of the host to which the tunnel is, whatever form it has. A request for
 * another host is refused: what is asked for there would be answered from here.
 * @throws HOST_UNKNOWN, METHOD_NOT_ALLOWED, REQUEST_INVALID
 */
export function targetInside(
  { headersDistinct }: Pick<IncomingMessage, 'headersDistinct'>,
  asked: RequestTarget,
  { host, port }: Pick<Inside, 'host' | 'port'>,
): RequestTarget {
  if (asked.scheme === 'tunnel')
    throw appError('METHOD_NOT_ALLOWED', { message: 'there is no tunnel inside of a tunnel that is looked into' })
  const isIt = (target: ForeignTarget) => target.host === host && target.port === port
  const { authority = '', scheme } = asked
  if (authority !== '' && (scheme !== 'https' || !isIt(foreignTarget(asked))))
    throw misdirected('the request is for another host than its tunnel')
  const named = headersDistinct['host'] ?? []
  if (!named.every((text) => isIt(foreignTarget({ scheme: 'https', authority: text, path: '', query: '' }))))
    throw misdirected('Host names another host than the tunnel')
  return { ...asked, scheme: 'https', authority: `${host}:${port}` }
}
