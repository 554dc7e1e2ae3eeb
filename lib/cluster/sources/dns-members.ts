import { isIPv6 } from 'node:net'
import type { Member } from '../cluster.ts'
import type { DnsSourceInit } from './dns-source-init.ts'

/** An SRV record; priority and weight do not count, since the ring divides the work. */
export interface ServiceRecord {
  /** The target. */
  readonly name: string
  readonly port: number
}

export interface AddressRecord {
  readonly address: string
  /** Seconds. */
  readonly ttl: number
}

/**
 * Members by SRV records. The id is the host name of the target within the domain of the service, or else its whole name:
 * the pod `origin-0` of a StatefulSet is `origin-0` for everybody, whatever its address is and whoever else there is.
 */
export function serviceMembers(
  found: readonly ServiceRecord[],
  { name, scheme }: Pick<DnsSourceInit, 'name' | 'scheme'>,
): readonly Member[] {
  const domain = `.${domainOf(name)}`
  return found.map(({ name: target, port }) => {
    const host = withoutDot(target).toLowerCase()
    return { id: host.endsWith(domain) ? host.slice(0, -domain.length) : host, url: `${scheme}://${host}:${port}` }
  })
}

/** Members by addresses, which are their ids: another address is another member. */
export function addressMembers(
  found: readonly AddressRecord[],
  { port, scheme }: Pick<DnsSourceInit, 'port' | 'scheme'>,
): readonly Member[] {
  return found.map(({ address }) => {
    const host = isIPv6(address) ? `[${address}]` : address
    // An id begins with a letter or a digit.
    return { id: address.startsWith(':') ? `0${address}` : address, url: `${scheme}://${host}:${port ?? ''}` }
  })
}

/** The hosts of members that are not known yet: others may know a new one sooner, and call it. */
export function hostsOf({ name, record }: Pick<DnsSourceInit, 'name' | 'record'>): readonly string[] {
  return record === 'SRV' ? [`*.${domainOf(name)}`] : []
}

/** `svc.ns` of `_http._tcp.svc.ns`. */
function domainOf(name: string): string {
  return withoutDot(name)
    .toLowerCase()
    .replace(/^(?:_[^.]+\.)+/, '')
}

const withoutDot = (name: string) => name.replace(/\.$/, '')
