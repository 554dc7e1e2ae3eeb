/** The records of upstreams that count as one. */
export interface SiteRecords {
  readonly count: number
  /** When the last of them was used. */
  readonly newestMs: number
}

/**
 * Registries whose names end alike share: whoever owns a domain can make up names below it, and answer under each. It is the
 * last two parts of the name; an address, or a name of one part, stands alone.
 */
export function siteOf(host: string): string {
  const name = host.replace(/:\d+$/, '')
  if (/^[\d.]+$/.test(name) || name.includes(':')) return name
  return name.split('.').slice(-2).join('.')
}

/**
 * How many records each site keeps of `most`: as many as it has, or as many as any other one that has too many. With more
 * sites than records, those that were used last keep one. Pure.
 */
export function fairShares(sites: ReadonlyMap<string, SiteRecords>, most: number): ReadonlyMap<string, number> {
  const waiting = [...sites].toSorted(([, a], [, b]) => a.count - b.count)
  const shares = new Map<string, number>()
  let left = most
  for (const [i, [site, { count }]] of waiting.entries()) {
    const share = Math.min(count, Math.floor(left / (waiting.length - i)))
    shares.set(site, share)
    left -= share
  }
  const without = [...sites].filter(([site, { count }]) => count > 0 && shares.get(site) === 0)
  for (const [site] of without.toSorted(([, a], [, b]) => b.newestMs - a.newestMs).slice(0, left)) shares.set(site, 1)
  return shares
}
