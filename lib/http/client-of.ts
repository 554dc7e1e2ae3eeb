import type { IncomingMessage } from 'node:http'

const MAPPED = /^::ffff:(?=\d+\.)/i

/** The first 64 bits of an IPv6 address, without the zone: a host may have all addresses below them. */
const networkOf = (address: string): string => {
  const [plain = ''] = address.split('%')
  const [front = '', back] = plain.split('::')
  const groups = front === '' ? [] : front.split(':')
  const behind = back === undefined || back === '' ? [] : back.split(':')
  const zeros = back === undefined ? 0 : Math.max(0, 8 - groups.length - behind.length)
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...behind]
  return `${all.slice(0, 4).join(':')}::/64`
}

/** Text that names a client for the limits of single clients: its IPv4 address, or its network of IPv6. */
export function clientNamed(remoteAddress: string | undefined): string {
  const address = (remoteAddress ?? '').replace(MAPPED, '')
  return address.includes(':') ? networkOf(address) : address || 'unknown'
}

/** The client that sends a request; one behind a proxy of others shares its name with them. */
export const clientOf = ({ socket }: IncomingMessage): string => clientNamed(socket.remoteAddress)
