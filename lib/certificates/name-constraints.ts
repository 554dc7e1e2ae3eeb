import { BlockList, isIP } from 'node:net'
import { AsnConvert } from '@peculiar/asn1-schema'
import {
  type Extensions,
  type GeneralSubtrees,
  NameConstraints,
  id_ce_nameConstraints as nameConstraintsId,
} from '@peculiar/asn1-x509'

/** A name, or an address without brackets. */
type Permits = (host: string) => boolean

/** Whether a certificate may name the host (RFC 5280, 4.2.1.10): what is excluded may not, and of a kind that is permitted in part the rest. */
export function namesPermitted(extensions: Extensions | undefined): Permits {
  const found = extensions?.find(({ extnID }) => extnID === nameConstraintsId)
  if (found === undefined) return () => true
  const { permittedSubtrees, excludedSubtrees } = AsnConvert.parse(found.extnValue.buffer, NameConstraints)
  const permitted = subtrees(permittedSubtrees)
  const excluded = subtrees(excludedSubtrees)
  return (host) => {
    const kind = isIP(host) === 0 ? 'names' : 'addresses'
    return !excluded[kind].fits(host) && (permitted[kind].count === 0 || permitted[kind].fits(host))
  }
}

interface Subtrees {
  readonly count: number
  readonly fits: (host: string) => boolean
}

function subtrees(list: GeneralSubtrees | undefined): Readonly<Record<'names' | 'addresses', Subtrees>> {
  const bases = Array.from(list ?? [], ({ base }) => base)
  const names = bases.flatMap(({ dNSName }) => dNSName?.toLowerCase() ?? [])
  const networks = bases.flatMap(({ iPAddress }) => iPAddress ?? [])
  const blocks = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    blocks.addSubnet(address, Number(prefix), familyOf(address))
  }
  return {
    names: { count: names.length, fits: (host) => names.some((name) => isWithin(host, name)) },
    addresses: { count: networks.length, fits: (host) => blocks.check(host, familyOf(host)) },
  }
}

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** `example.com` stands for itself and all below it, `.example.com` for those below it, and the empty name for all. */
function isWithin(host: string, name: string): boolean {
  return name === '' || host === name || host.endsWith(name.startsWith('.') ? name : `.${name}`)
}
