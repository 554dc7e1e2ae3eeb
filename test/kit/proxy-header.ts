import { isIPv6 } from 'node:net'
import type { RemoteEnd } from '../../lib/base/index.ts'

/** Bytes of an IPv6 address of eight groups, or of one with an IPv4 address at its end, or with one `::`. */
function ipv6Bytes(text: string): Buffer {
  const last = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  const octets = last?.slice(1).map(Number) ?? []
  const hex = (at: number) => ((octets[at] ?? 0) * 256 + (octets[at + 1] ?? 0)).toString(16)
  const whole = last === null ? text : `${text.slice(0, last.index)}${hex(0)}:${hex(2)}`
  const [front = '', back] = whole.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [before, after] = [groups(front), groups(back ?? '')]
  const middle = back === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0')
  const bytes = Buffer.alloc(16)
  for (const [i, group] of [...before, ...middle, ...after].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i)
  return bytes
}

/** A header of the PROXY protocol, version 2, as a balancer sends it; without a source that of its own check. */
export function proxyHeader(source: RemoteEnd | undefined, tlvs: Uint8Array = Buffer.alloc(0)): Buffer {
  const own =
    source === undefined
      ? undefined
      : isIPv6(source.address)
        ? ipv6Bytes(source.address)
        : Buffer.from(source.address.split('.').map(Number))
  const fixed = Buffer.from('\r\n\r\n\0\r\nQUIT\n\0\0\0\0', 'latin1')
  const ports = Buffer.alloc(4)
  if (source !== undefined) ports.writeUInt16BE(source.port, 0)
  const addresses = own === undefined ? Buffer.alloc(0) : Buffer.concat([own, Buffer.alloc(own.length, 1), ports])
  fixed.writeUInt8(source === undefined ? 0x20 : 0x21, 12)
  fixed.writeUInt8(own === undefined ? 0 : own.length === 4 ? 0x11 : 0x21, 13)
  fixed.writeUInt16BE(addresses.length + tlvs.length, 14)
  return Buffer.concat([fixed, addresses, tlvs])
}
