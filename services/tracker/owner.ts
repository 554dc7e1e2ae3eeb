import { type PeerId, peerIdOf } from '../../lib/core/index.ts'

const KEY = 'key '

/** Whoever announces with this key. */
export const ownerByKey = (key: string): string => KEY + key

/** Whoever announces without a key, from this address. */
export const ownerByHost = (host: string): string => `host ${host}`

/**
 * Whether `owner` may change what `before` has announced under this peer id: it is the same one, or the id is made from
 * its key, so that `before` has only taken it.
 */
export function mayChange(peerId: PeerId, owner: string, before: string): boolean {
  return owner === before || (owner.startsWith(KEY) && peerIdOf(owner.slice(KEY.length)) === peerId)
}
