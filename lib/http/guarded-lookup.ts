import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { appError } from '../base/index.ts'

/** Whether a connection to `host`, a name, may go to this address of it. */
export type Admits = (host: string, address: string) => boolean

/**
 * Finds addresses for connections, and refuses a name that leads to one that is not admitted. What is checked is what is
 * connected to: a name cannot change its mind in between. Addresses in URLs are looked up by nobody.
 */
export function guardedLookup(admits: Admits, lookup: LookupFunction = systemLookup): LookupFunction {
  return (host, options, done) => {
    lookup(host, options, (err, found, family) => {
      if (err === null && !addressesIn(found).every((address) => admits(host, address))) done(refused(host), '')
      else done(err, found, family)
    })
  }
}

const addressesIn = (found: string | readonly LookupAddress[]): readonly string[] =>
  typeof found === 'string' ? [found] : found.map(({ address }) => address)

const refused = (host: string) =>
  appError('PEER_CLOSED', { message: 'the name leads to an address that nobody may follow', detail: { host } })
