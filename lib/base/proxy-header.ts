import { BlockList, isIPv6, SocketAddress } from 'node:net'
import { appError } from './app-error.ts'

/** An end of a connection. */
export interface RemoteEnd {
  /** IPv4 or IPv6 literal; an IPv4 address is never written in IPv6 form. */
  readonly address: string
  readonly port: number
}

/** A header of the PROXY protocol, version 2. */
export interface ProxyHeader {
  /** Bytes of the header; what comes behind them is the connection's own. */
  readonly length: number
  /** Who has connected to the balancer; undefined when the balancer itself has, to see whether we live (`LOCAL`). */
  readonly source: RemoteEnd | undefined
}

/**
 * Most bytes of a header. Addresses take 36; what a balancer adds of its own (TLVs: the TLS that it ended, the id of its
 * endpoint) takes a few hundred.
 */
export const MAX_PROXY_HEADER = 2048

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const FIXED = 16
const [LOCAL, PROXY] = [0x20, 0x21]
/** Bytes of the addresses and ports, and of one address, by the family with the transport; others are refused. */
const families: Readonly<Record<number, { readonly bytes: number; readonly address: number }>> = {
  17: { bytes: 12, address: 4 },
  33: { bytes: 36, address: 16 },
}

/** No client of a balancer has such an address, and each means something on our own machine or to all of a network. */
const nobodys = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 3],
] as const)
  nobodys.addSubnet(net, bits, 'ipv4')
for (const [net, bits] of [
  ['::', 127],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  nobodys.addSubnet(net, bits, 'ipv6')

const invalid = (why: string) =>
  appError('PROXY_HEADER_INVALID', { message: `the header of the PROXY protocol is not valid: ${why}` })

/**
 * Reads a header from the first bytes of a connection; undefined when more bytes are needed, of which there are never more
 * than `MAX_PROXY_HEADER` in all. @throws PROXY_HEADER_INVALID as soon as it cannot become one that says who has connected
 */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeader | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const seen = Math.min(head.length, SIGNATURE.length)
  if (head.compare(SIGNATURE, 0, seen, 0, seen) !== 0) throw invalid('it has another beginning')
  if (head.length < FIXED) return undefined
  const command = head.readUInt8(12)
  if (command !== LOCAL && command !== PROXY) throw invalid(`version and command are 0x${command.toString(16)}`)
  const length = FIXED + head.readUInt16BE(14)
  if (length > MAX_PROXY_HEADER) throw invalid(`it has ${length} bytes`)
  const family = families[head.readUInt8(13)]
  if (command === PROXY && (family === undefined || length < FIXED + family.bytes))
    throw invalid('it names no address of TCP over IPv4 or IPv6')
  if (head.length < length) return undefined
  return { length, source: command === PROXY && family !== undefined ? sourceIn(head, family) : undefined }
}

function sourceIn(head: Buffer, { address: size }: { readonly address: number }): RemoteEnd {
  const raw = head.subarray(FIXED, FIXED + size)
  const port = head.readUInt16BE(FIXED + 2 * size)
  const address = plain(size === 4 ? raw.join('.') : ipv6Text(raw))
  if (port === 0 || nobodys.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) {
    throw invalid('it names an address that no client can have')
  }
  return { address, port }
}

/** In the shortest form, as sockets show it. */
function ipv6Text(raw: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => raw.readUInt16BE(2 * i).toString(16))
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address
}

const plain = (address: string): string => /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1] ?? address
