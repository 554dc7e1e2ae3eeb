import { BlockList, isIP, isIPv6 } from 'node:net'
import { appError } from '../../base/index.ts'

/** Whether a host may be a peer. */
export type HostRule = (host: string) => boolean

/**
 * Allows only hosts inside one of the CIDRs (`10.0.0.0/8`, `fd00::/8`); without a list, everybody. @throws
 * CONFIG_INVALID
 */
export function allowedPeers(cidrs: readonly string[] | undefined): HostRule {
  if (cidrs === undefined) return () => true
  const allowed = new BlockList()
  for (const cidr of cidrs) {
    const [net = '', prefix = ''] = cidr.split('/')
    const family = isIPv6(net) ? 'ipv6' : 'ipv4'
    const bits = Number(prefix)
    if (
      isIP(net) === 0 ||
      prefix === '' ||
      !Number.isInteger(bits) ||
      bits < 0 ||
      bits > (family === 'ipv6' ? 128 : 32)
    ) {
      throw appError('CONFIG_INVALID', { message: `allowed peers must be CIDRs such as 10.0.0.0/8, not ${cidr}` })
    }
    allowed.addSubnet(net, bits, family)
  }
  // A socket that listens on `::` shows 10.0.0.1 as `::ffff:10.0.0.1`; the list recognises this form.
  return (host) => isIP(host) !== 0 && allowed.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}
