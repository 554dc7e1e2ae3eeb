import { BlockList, isIP } from 'node:net'

/** A network, in parts. */
interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

const BITS = { ipv4: 32, ipv6: 128 } as const

/** In ::/16 is what means IPv4, in many spellings: it would be compared with no network of IPv4. `::/0` is all of IPv6. */
const isReserved = (address: string): boolean => /^\[(::|0:)/.test(new URL(`http://[${address}]`).hostname)

function networkOf(text: string): Network | undefined {
  const [address = '', prefix = ''] = text.split('/')
  const version = isIP(address)
  const family = version === 4 ? 'ipv4' : 'ipv6'
  if (version === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > BITS[family]) return undefined
  if (family === 'ipv6' && (address.includes('%') || (isReserved(address) && Number(prefix) > 0))) return undefined
  return { address, prefix: Number(prefix), family }
}

/** What is wrong with a network as text; undefined: nothing. */
export const cidrTrouble = (text: string): string | undefined =>
  networkOf(text) === undefined ? `${text} is no network; write it like 10.0.0.0/16` : undefined

/** Whether the first network is all in the second, or the same. */
export function isWithin(inner: string, outer: string): boolean {
  const [one, other] = [networkOf(inner), networkOf(outer)]
  if (one === undefined || other === undefined || one.family !== other.family || one.prefix < other.prefix) return false
  const block = new BlockList()
  block.addSubnet(other.address, other.prefix, other.family)
  return block.check(one.address, one.family)
}

/** A network without some others that lie in it, as NetworkPolicies write it; without those that equal it: undefined. */
export function ipBlock(cidr: string, excluded: readonly string[]): object | undefined {
  if (excluded.some((one) => isWithin(cidr, one))) return undefined
  const except = excluded.filter((one) => isWithin(one, cidr))
  return { cidr, ...(except.length > 0 && { except }) }
}
