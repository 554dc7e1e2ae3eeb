import { createHash } from 'node:crypto'

/** Most characters of one label of a name (RFC 1035, 2.3.4). */
const MAX_LABEL = 63
const HASH_LENGTH = 8

/** The label of a zone: itself where it can be one, else made of it, and different from that of every other zone. */
export function zoneLabel(zone: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(zone)) return zone
  const hash = createHash('sha256').update(zone).digest('hex').slice(0, HASH_LENGTH)
  const plain = zone.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const cut = plain.slice(0, MAX_LABEL - HASH_LENGTH - 1).replace(/^-+|-+$/g, '')
  return cut === '' ? hash : `${cut}-${hash}`
}

/** The name of one zone below the name of all. */
export const zoneName = (base: string, zone: string): string => `${zoneLabel(zone)}.${base}`
