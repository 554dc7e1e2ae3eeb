import { BlockList, isIP, isIPv6 } from 'node:net'

/** Whether an address, an IPv4 or IPv6 literal, is of some networks. */
export type NetworkRule = (address: string) => boolean

/**
 * Whether an address is inside one of the CIDRs (`10.0.0.0/8`, `fd00::/8`); undefined when one of them is malformed. What
 * is no address is in none.
 */
export function networkRule(cidrs: readonly string[]): NetworkRule | undefined {
  const inside = new BlockList()
  for (const cidr of cidrs) {
    if (!isCidr(cidr)) return undefined
    const [net = '', prefix = ''] = cidr.split('/')
    inside.addSubnet(net, Number(prefix), isIPv6(net) ? 'ipv6' : 'ipv4')
  }
  // A socket that listens on `::` shows 10.0.0.1 as `::ffff:10.0.0.1`; the list recognises this form.
  return (address) => isIP(address) !== 0 && inside.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

export function isCidr(text: string): boolean {
  const [net = '', prefix = '', ...more] = text.split('/')
  const family = isIP(net)
  return family !== 0 && more.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32)
}
