import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { appError, remoteAddressOf } from '../../lib/base/index.ts'

/**
 * The address that the connection of a request came from, as an IPv4 or IPv6 literal; never an address that the caller
 * states. Where the listener stands behind balancers, it is what they say of the connection. An IPv4 address in IPv6 form (`::ffff:10.0.0.1`) becomes IPv4, and a zone (`fe80::1%eth0`) is removed,
 * because it means nothing on other machines. @throws UNAVAILABLE when the socket is already gone
 */
export function socketAddress({ socket }: IncomingMessage): string {
  const shown = (remoteAddressOf(socket) ?? '').replace(/%.*$/, '')
  const host = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(shown)?.[1] ?? shown
  if (isIP(host) === 0) throw appError('UNAVAILABLE', { message: 'the connection was closed before its announce' })
  return host
}
