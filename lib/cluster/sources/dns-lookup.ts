import { Resolver } from 'node:dns/promises'
import { type AbortOptions, appError, codeOf, hasCode, onAbort, throwIfAborted } from '../../base/index.ts'
import type { AddressRecord, ServiceRecord } from './dns-members.ts'

/** How long a name server may take for an answer, and how often it is asked. */
const TIMEOUT_MS = 2_000
const TRIES = 2

export interface DnsLookupInit {
  /** Default: those of the system. */
  readonly servers: readonly string[] | undefined
  /** What is read, for people. */
  readonly what: string
}

/** Questions to name servers. Without records the answer is empty. Every method: @throws MEMBERS_UNAVAILABLE, ABORTED */
export interface DnsLookup {
  services(name: string): Promise<readonly ServiceRecord[]>
  addresses(name: string, family: 4 | 6): Promise<readonly AddressRecord[]>
}

/** There is no such name, or it has no such records. */
const NOTHING = ['ENOTFOUND', 'ENODATA']

/** For the questions of one look: the servers of the system may change until the next one. */
export function dnsLookup({ servers, what }: DnsLookupInit, { signal }: AbortOptions): DnsLookup {
  const ask = async <T>(question: (resolver: Resolver) => Promise<readonly T[]>): Promise<readonly T[]> => {
    throwIfAborted(signal)
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
    const takeBack = onAbort(signal, () => resolver.cancel())
    try {
      if (servers !== undefined && servers.length > 0) resolver.setServers([...servers])
      return await question(resolver)
    } catch (err) {
      throwIfAborted(signal)
      if (hasCode(err, ...NOTHING)) return []
      const message = `${what}: the name servers give no answer (${codeOf(err) ?? 'UNKNOWN'})`
      throw appError('MEMBERS_UNAVAILABLE', { message, cause: err })
    } finally {
      takeBack()
    }
  }
  return {
    services: (name) => ask((resolver) => resolver.resolveSrv(name)),
    addresses: (name, family) =>
      ask((resolver) =>
        family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true }),
      ),
  }
}
