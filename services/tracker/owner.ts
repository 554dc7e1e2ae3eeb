import { keyHash, type PeerId, peerIdOfHash } from '../../lib/core/index.ts'

const KEY = 'key '

/** Whoever announces with this key. The owner names its hash, so that the key lies nowhere. */
export const ownerByKey = (key: string): string => KEY + keyHash(key)

/** Whoever announces without a key, from this address. */
export const ownerByHost = (host: string): string => `host ${host}`

/** Whether the peer id is made from the owner's key. */
export function isProven(peerId: PeerId, owner: string): boolean {
  return owner.startsWith(KEY) && peerIdOfHash(owner.slice(KEY.length)) === peerId
}

/**
 * Whether `owner` may change what `before` has announced under this peer id: it is the same one, or the id is made from
 * its key, so that `before` has only taken it.
 */
export function mayChange(peerId: PeerId, owner: string, before: string): boolean {
  return owner === before || isProven(peerId, owner)
}
