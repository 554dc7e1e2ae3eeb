import { createHash } from 'node:crypto'

interface PickedHost {
  readonly host: string
  readonly zone?: string | undefined
}

export interface PickInit {
  /** How many there are to be at the end. */
  readonly count: number
  /** Those that were picked before stay. */
  readonly former: readonly string[]
  /** Other salts pick others. */
  readonly salt: string
}

const orderOf = (salt: string, host: string): string => createHash('sha256').update(`${salt} ${host}`).digest('hex')

/**
 * Picks hosts, spread over the zones: each next one is of a zone of which fewest were picked so far. The same hosts give
 * the same pick.
 */
export function pickHosts(hosts: readonly PickedHost[], { count, former, salt }: PickInit): readonly string[] {
  const picked = new Set(former)
  const waiting = new Map<string, string[]>()
  const taken = new Map<string, number>()
  const ordered = hosts
    .map((each) => ({ ...each, order: orderOf(salt, each.host) }))
    .toSorted((a, b) => (a.order < b.order ? -1 : 1))
  for (const { host, zone = '' } of ordered) {
    if (picked.has(host)) taken.set(zone, (taken.get(zone) ?? 0) + 1)
    else
      waiting
        .set(zone, waiting.get(zone) ?? [])
        .get(zone)
        ?.push(host)
  }
  // The last of each list is the next.
  for (const list of waiting.values()) list.reverse()
  const zones = [...waiting.keys()].toSorted()
  while (picked.size < count && zones.length > 0) {
    const zone = zones.reduce((best, each) => ((taken.get(each) ?? 0) < (taken.get(best) ?? 0) ? each : best))
    const host = waiting.get(zone)?.pop()
    if (host === undefined) zones.splice(zones.indexOf(zone), 1)
    else {
      picked.add(host)
      taken.set(zone, (taken.get(zone) ?? 0) + 1)
    }
  }
  return [...picked]
}
