import { createHash } from 'node:crypto'
import { appError, type Random } from '../base/index.ts'
import type { InfoHash } from './info-hash.ts'

declare const brand: unique symbol

/** 20 bytes as 40 hex characters, in the Azureus style of BEP 20: `-SH0001-` and twelve random bytes. */
export type PeerId = string & { readonly [brand]: 'PeerId' }

const prefix = Buffer.from('-SH0001-', 'latin1')

/** A new peer id; each process makes one at its start. */
export function newPeerId(random: Random): PeerId {
  return Buffer.concat([prefix, random.bytes(12)]).toString('hex') as PeerId
}

/**
 * The peer id that belongs to a key: whoever shows the key proves that the id is his. Ids are known to all peers of a
 * swarm, keys only to their owners and to trackers.
 */
export function peerIdOf(key: string): PeerId {
  return peerIdOfHash(keyHash(key))
}

/** What stands for a key where the key itself must not lie: its SHA-256 as hex. */
export function keyHash(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

/** The peer id that belongs to the key with this `keyHash`. */
export function peerIdOfHash(hash: string): PeerId {
  return (prefix.toString('hex') + hash.slice(0, 24)) as PeerId
}

/** The peer id that belongs to a key that a caller shows. @throws BODY_INVALID when it is not 24 hex characters */
export function peerIdOfShown(key: string): PeerId {
  if (!/^[0-9a-f]{24}$/.test(key)) throw appError('BODY_INVALID', { message: 'the key of a peer is 24 hex characters' })
  return peerIdOf(key)
}

/** @throws BODY_INVALID when it is not 40 hex characters. */
export function parsePeerId(text: string): PeerId {
  if (!/^[0-9a-f]{40}$/.test(text)) throw appError('BODY_INVALID', { message: 'a peer id is 40 hex characters' })
  return text as PeerId
}

/** The role of a peer in every swarm it joins. Origins seed; agents download and seed. */
export type PeerRole = 'agent' | 'origin'

/** Where a peer listens. */
export interface PeerAddress {
  /** IPv4 or IPv6 literal, never a name. */
  readonly host: string
  readonly port: number
}

/** One peer of a swarm, as the tracker lists it. */
export interface PeerInfo extends PeerAddress {
  readonly peerId: PeerId
  readonly role: PeerRole
  /** Whether the peer has the whole blob. */
  readonly complete: boolean
  /** The name that the peer has for the swarm, if it is a stock BitTorrent client: it knows no other one. */
  readonly infoHash?: InfoHash
}
