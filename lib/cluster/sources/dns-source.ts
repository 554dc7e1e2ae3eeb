import type { AbortOptions } from '../../base/index.ts'
import { checkedMembers } from './checked-members.ts'
import { type DnsLookup, dnsLookup } from './dns-lookup.ts'
import { addressMembers, hostsOf, serviceMembers } from './dns-members.ts'
import type { DnsSourceInit } from './dns-source-init.ts'
import type { MemberSource } from './member-source.ts'

/**
 * Members that a name stands for, such as that of a headless Service. A name that does not exist, or has no such records,
 * names nobody.
 */
export function dnsSource(init: DnsSourceInit): MemberSource {
  const { name, record, servers } = init
  const what = `${record} ${name}`
  const ask = (options: AbortOptions) => {
    const lookup = dnsLookup({ servers, what }, options)
    return record === 'SRV' ? services(lookup, init) : addresses(lookup, init)
  }
  return {
    what,
    hosts: hostsOf(init),
    async read(options = {}) {
      const { members, ttlSeconds } = await ask(options)
      const checked = checkedMembers(members, what)
      const againMs = Math.min(init.maxRefreshMs, Math.max(init.minRefreshMs, ttlSeconds * 1000))
      return { members: checked, againMs }
    },
  }
}

async function addresses(lookup: DnsLookup, { name, record, ...init }: DnsSourceInit) {
  const found = await lookup.addresses(name, record === 'A' ? 4 : 6)
  return { members: addressMembers(found, init), ttlSeconds: leastOf(found) }
}

/**
 * Node does not tell the TTL of SRV records, so that of an address of one of the targets counts: a headless Service has one
 * TTL for all its records.
 */
async function services(lookup: DnsLookup, { name, ...init }: DnsSourceInit) {
  const found = await lookup.services(name)
  const members = serviceMembers(found, { name, ...init })
  const [first] = found
  const beside = first === undefined ? [] : await lookup.addresses(first.name, 4).catch(() => [])
  return { members, ttlSeconds: leastOf(beside) }
}

/** Infinity of nothing: then the longest time counts. */
const leastOf = (found: readonly { readonly ttl: number }[]) => Math.min(...found.map(({ ttl }) => ttl))
