import { isIP } from 'node:net'
import { keyHash, type PeerId, type PeerRole, parsePeerId } from '../../../lib/core/index.ts'
import { isProven } from '../owner.ts'
import type { SeedingNode } from '../seeds/seed-registry.ts'
import type { PeerEntry } from '../swarm.ts'

/** Longest row that is written or believed, in characters; the longest real one has 158. */
export const MAX_ROW = 200
/** Longest name of a row. */
export const MAX_ROW_NAME = 64
/** Hex digits of an owner in the name of a row. */
const OWNER_DIGITS = 16

const ROW =
  /^1 ([0-9a-fA-F:.]{2,45}) ([1-9]\d{0,4}) (agent|origin) (whole|part) (\d{1,15}|-) (key [0-9a-f]{64}|host [0-9a-fA-F:.]{2,45})$/
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

/** A peer as text: `1 host port role whole|part left|- owner`, where 1 is the version of the form. */
export function peerRow({ host, port, role, complete, key }: PeerEntry, leftBytes?: number): string {
  return `1 ${host} ${port} ${role} ${complete ? 'whole' : 'part'} ${leftBytes ?? '-'} ${key}`
}

/** A node with complete blobs, in the same form. */
export function nodeRow(node: SeedingNode): string {
  return peerRow({ ...node, complete: true }, 0)
}

/** Undefined for a row that no tracker has written. */
export function readRow(name: unknown, row: unknown): ReadRow | undefined {
  if (typeof name !== 'string' || typeof row !== 'string' || row.length > MAX_ROW) return undefined
  const [, id] = NAME.exec(name) ?? []
  const [, host = '', port, role, extent, left, key = ''] = ROW.exec(row) ?? []
  if (id === undefined || isIP(host) === 0 || Number(port) > 65_535) return undefined
  const peerId = parsePeerId(id)
  if (rowName(peerId, key) !== name) return undefined
  const entry = { peerId, key, host, port: Number(port), role: role as PeerRole, complete: extent === 'whole' }
  return { entry, leftBytes: left === '-' ? undefined : Number(left) }
}
