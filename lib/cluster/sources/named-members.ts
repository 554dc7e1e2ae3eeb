import { appError, bareHost } from '../../base/index.ts'
import type { Member } from '../cluster.ts'

/** A member as a list or a file names it: with one address for all, or with one for each network. */
export interface NamedMember {
  readonly id: string
  /** Base URL for those in networks without an address of their own. */
  readonly url?: string | undefined
  /** Base URLs by the names of networks. */
  readonly addresses?: Readonly<Record<string, string>> | undefined
}

/**
 * The members with the addresses by which they are called from a network; undefined: from one without a name.
 * @throws CONFIG_INVALID naming a member that cannot be called from there
 */
export function membersIn(named: readonly NamedMember[], network: string | undefined): readonly Member[] {
  return named.map(({ id, url, addresses = {} }) => {
    const own = network !== undefined && Object.hasOwn(addresses, network) ? addresses[network] : undefined
    const called = own ?? url
    if (called !== undefined) return { id, url: called }
    const place = network === undefined ? 'for a service that names no network' : `in the network ${network}`
    throw appError('CONFIG_INVALID', { message: `the member ${id} has no address ${place}` })
  })
}

/** The hosts by which the members are called, from whichever network. */
export function hostsOfNamed(named: readonly NamedMember[]): readonly string[] {
  const urls = named.flatMap(({ url, addresses = {} }) => [
    ...(url === undefined ? [] : [url]),
    ...Object.values(addresses),
  ])
  return [...new Set(urls.map((url) => bareHost(new URL(url).hostname)))]
}
