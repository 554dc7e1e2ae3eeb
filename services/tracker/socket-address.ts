import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { appError } from '../../lib/base/index.ts'

/**
 * The address of the socket that a request came from, as an IPv4 or IPv6 literal; never an address that the caller
 * states. An IPv4 address in IPv6 form (`::ffff:10.0.0.1`) becomes IPv4, and a zone (`fe80::1%eth0`) is removed,
 * because it means nothing on other machines. @throws UNAVAILABLE when the socket is already gone
 */
export function socketAddress({ socket }: IncomingMessage): string {
  const shown = (socket.remoteAddress ?? '').replace(/%.*$/, '')
  const host = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(shown)?.[1] ?? shown
  if (isIP(host) === 0) throw appError('UNAVAILABLE', { message: 'the connection was closed before its announce' })
  return host
}
