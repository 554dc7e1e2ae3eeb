import { isIP } from 'node:net'
import { keyHash, type PeerId, type PeerRole, parsePeerId } from '../../../lib/core/index.ts'
import { isProven } from '../owner.ts'
import type { SeedingNode } from '../seeds/seed-registry.ts'
import type { PeerEntry } from '../swarm.ts'

/** Longest row that is written or believed, in characters; the longest real one has 1180, without a zone 158. */
export const MAX_ROW = 1200
/** Longest name of a row. */
export const MAX_ROW_NAME = 64
/** Hex digits of an owner in the name of a row. */
const OWNER_DIGITS = 16
/** Longest name of a zone, as announces have it. */
const MAX_ZONE = 255

const ROW =
  /^([12]) ([0-9a-fA-F:.]{2,45}) ([1-9]\d{0,4}) (agent|origin) (whole|part) (\d{1,15}|-) (key [0-9a-f]{64}|host [0-9a-fA-F:.]{2,45})(?: ([\w-]{1,1020}))?$/
const NAME = /^([0-9a-f]{40})(?:\.[0-9a-f]{16})?$/

/** What a row says of a peer, in the form in which it is learned. */
export interface ReadRow {
  readonly entry: PeerEntry
  readonly leftBytes: number | undefined
}

/**
 * The name of a peer's row in a swarm. The row of whoever has proven its id stands under the id alone: nobody else can
 * write there, whichever tracker he goes to.
 */
export function rowName(peerId: PeerId, owner: string): string {
  if (isProven(peerId, owner)) return peerId
  return `${peerId}.${keyHash(owner).slice(0, OWNER_DIGITS)}`
}

/**
 * A peer as text: `1 host port role whole|part left|- owner`, where 1 is the version of the form; in form 2 with its zone
 * behind, whose UTF-8 is in base64url.
 */
export function peerRow({ host, port, role, complete, key, zone }: PeerEntry, leftBytes?: number): string {
  const form = (number: 1 | 2) =>
    `${number} ${host} ${port} ${role} ${complete ? 'whole' : 'part'} ${leftBytes ?? '-'} ${key}`
  return zone === undefined || zone === '' ? form(1) : `${form(2)} ${Buffer.from(zone).toString('base64url')}`
}

/** Undefined when no tracker has written it so. */
function zoneIn(text: string): string | undefined {
  const zone = Buffer.from(text, 'base64url').toString()
  return zone.length <= MAX_ZONE && Buffer.from(zone).toString('base64url') === text ? zone : undefined
}

/** A node with complete blobs, in the same form. */
export function nodeRow(node: SeedingNode): string {
  return peerRow({ ...node, complete: true }, 0)
}

/** Form 2 is that of a peer with a zone. Undefined when no tracker has written it so. */
function placeIn(form: string | undefined, placed: string | undefined): Pick<PeerEntry, 'zone'> | undefined {
  if (form !== (placed === undefined ? '1' : '2')) return undefined
  if (placed === undefined) return {}
  const zone = zoneIn(placed)
  return zone === undefined ? undefined : { zone }
}

/** Undefined for a row that no tracker has written. */
export function readRow(name: unknown, row: unknown): ReadRow | undefined {
  if (typeof name !== 'string' || typeof row !== 'string' || row.length > MAX_ROW) return undefined
  const [, id] = NAME.exec(name) ?? []
  const [, form, host = '', port, role, extent, left, key = '', placed] = ROW.exec(row) ?? []
  if (id === undefined || isIP(host) === 0 || Number(port) > 65_535) return undefined
  const place = placeIn(form, placed)
  if (place === undefined) return undefined
  const peerId = parsePeerId(id)
  if (rowName(peerId, key) !== name) return undefined
  const facts = { peerId, key, host, port: Number(port), role: role as PeerRole, complete: extent === 'whole' }
  const entry: PeerEntry = { ...facts, ...place }
  return { entry, leftBytes: left === '-' ? undefined : Number(left) }
}
