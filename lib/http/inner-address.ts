import { BlockList, isIP } from 'node:net'
import { bareHost } from '../base/index.ts'
import type { Admits } from './guarded-lookup.ts'

/** What a host name in a URL says about where it leads; names that only DNS knows are `outer`. */
type Reach = 'loopback' | 'link' | 'outer'

/** Where clouds keep the credentials of a machine; the link-local ones besides. */
const metadata = new Set([
  ...[
    'metadata.google.internal',
    '[fd00:ec2::254]',
    '[fd20:ce::254]',
    '[fd00:42::42]',
    '100.100.100.200',
    '100.96.0.96',
  ],
  ...['168.63.129.16', '192.0.0.192'],
])

/** Of a host as `URL` writes it: lower case, IPv4 in its four decimal parts, IPv6 in brackets. */
function reachOf(hostname: string): Reach {
  const host = hostname.replace(/\.$/, '')
  const within = innerIPv4(host)
  if (within !== undefined) return reachOf(within)
  if (/^(?:127|0)\.\d+\.\d+\.\d+$/.test(host) || /^(?:.*\.)?localhost$/.test(host)) return 'loopback'
  if (host === '[::1]' || host === '[::]') return 'loopback'
  return /^169\.254\.\d+\.\d+$/.test(host) || /^\[fe[89ab]/.test(host) || metadata.has(host) ? 'link' : 'outer'
}

/**
 * The IPv4 address to which a gateway or this machine takes an IPv6 address, as `URL` writes that: mapped and compatible ones
 * (RFC 4291, 2.5.5), translated ones (RFC 2765, 2.1), those of NAT64 (RFC 6052 with the usual prefix, RFC 8215) and of 6to4 (RFC 3056).
 */
function innerIPv4(host: string): string | undefined {
  const words = wordsOf(host)
  if (words === undefined) return undefined
  const [first = 0, second = 0, third = 0] = words
  if (isOfIPv4(words) || (first === 0x64 && second === 0xff9b)) return dotted(words[6] ?? 0, words[7] ?? 0)
  return first === 0x2002 ? dotted(second, third) : undefined
}

/** Mapped, translated, or compatible. */
function isOfIPv4([a, b, c, d, ...[e, f, g]]: readonly number[]): boolean {
  if ([a, b, c, d].some((word) => word !== 0)) return false
  return (e === 0 && f === 0xffff) || (e === 0xffff && f === 0) || (e === 0 && f === 0 && g !== 0)
}

/** The eight words of an IPv6 address in brackets. */
function wordsOf(host: string): readonly number[] | undefined {
  if (!host.startsWith('[')) return undefined
  const [head = [], tail = []] = host
    .slice(1, -1)
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':')))
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0')
  return [...head, ...zeros, ...tail].map((word) => Number.parseInt(word, 16))
}

const dotted = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join('.')

/** Whether a host, as `URL` writes it, is of this machine's link, or where clouds keep credentials: nobody sends there. */
export const isLinkHost = (hostname: string): boolean => reachOf(hostname) === 'link'

/** Which addresses names may have: never those of the link, and those of this machine only for names that `mayBeHere`. */
export const admittedOutside =
  (mayBeHere: (host: string) => boolean): Admits =>
  (host, address) => {
    const reach = reachOf(hostOf(address))
    return reach === 'outer' || (reach === 'loopback' && mayBeHere(host))
  }

/**
 * Which addresses the names of a store's URLs may have: a name is as good as the address that it stands for, except the
 * one that the config gives to the store.
 */
export function admittedFrom(from: URL): Admits {
  const ownReach = reachOf(from.hostname)
  return (host, address) => {
    if (host === from.hostname) return true
    const reach = reachOf(hostOf(address))
    return reach === 'outer' || (reach === 'loopback' && ownReach === 'loopback')
  }
}

/** Networks that no host of the internet has an address of, and those of groups of hosts. */
const privateNetworks = new BlockList()
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['198.18.0.0', 15],
  ['192.0.0.0', 24],
  ['224.0.0.0', 3],
] as const) {
  privateNetworks.addSubnet(network, prefix, 'ipv4')
}
privateNetworks.addSubnet('fc00::', 7, 'ipv6')
privateNetworks.addSubnet('fec0::', 10, 'ipv6')
privateNetworks.addSubnet('ff00::', 8, 'ipv6')
// Teredo (RFC 4380): it leads through a tunnel to an address of IPv4.
privateNetworks.addSubnet('2001::', 32, 'ipv6')

function isPrivate(host: string): boolean {
  const address = innerIPv4(host) ?? bareHost(host)
  return privateNetworks.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
}

/** Addresses of the internet only: none of this machine, its link, or a private network. */
export const admittedPublic: Admits = (_host, address) =>
  reachOf(hostOf(address)) === 'outer' && !isPrivate(hostOf(address))

/** All addresses but those of the link, and where clouds keep credentials. */
export const admittedInner: Admits = (_host, address) => reachOf(hostOf(address)) !== 'link'

/** The address that stands in a URL in place of a name; undefined for a name, which is looked up. */
export function addressIn({ hostname }: URL): string | undefined {
  const bare = bareHost(hostname)
  return isIP(bare) === 0 ? undefined : bare
}

/** Where an address leads that a name was found to have; `text` is the address itself, as every way to write it gives. */
export function placeOf(address: string): {
  readonly reach: 'loopback' | 'link' | 'private' | 'public'
  readonly text: string
} {
  const host = hostOf(address)
  const text = innerIPv4(host) ?? host
  const reach = reachOf(host)
  if (reach !== 'outer') return { reach, text }
  return { reach: isPrivate(host) ? 'private' : 'public', text }
}

/** As `URL` writes it. */
function hostOf(address: string): string {
  return address.includes(':') ? new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname : address
}

/**
 * Whether a store at `from` may send us on to `to`: never to this machine or its link, where it could make us ask what
 * only we can reach, unless it stands there itself.
 */
export function mayLeadTo(to: URL, from: URL): boolean {
  const reach = reachOf(to.hostname)
  if (reach === 'outer') return true
  return reach === 'link' ? to.hostname === from.hostname : reachOf(from.hostname) === 'loopback'
}
