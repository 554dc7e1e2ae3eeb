import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { appError } from '../../lib/base/index.ts'

/**
 * The address a request came from, as an IPv4 or IPv6 literal: never one that the caller wrote. An IPv4 address that
 * the system shows as IPv6 (`::ffff:10.0.0.1`) is unwrapped, and a zone (`fe80::1%eth0`) means nothing elsewhere.
 * @throws UNAVAILABLE when the socket is gone already
 */
export function socketAddress({ socket }: IncomingMessage): string {
  const shown = (socket.remoteAddress ?? '').replace(/%.*$/, '')
  const host = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(shown)?.[1] ?? shown
  if (isIP(host) === 0) throw appError('UNAVAILABLE', { message: 'the connection was closed before its announce' })
  return host
}
