import { appError } from '../base/index.ts'

declare const brand: unique symbol

/**
 * The name that stock BitTorrent clients have for the swarm of a blob: the SHA-1 of the info dictionary of its torrent
 * (BEP 3), as 40 lower-case hex characters. It does not follow from the digest, as the `SwarmId` does.
 */
export type InfoHash = string & { readonly [brand]: 'InfoHash' }

/** @throws BODY_INVALID when it is not 40 hex characters. */
export function parseInfoHash(text: string): InfoHash {
  if (!/^[0-9a-f]{40}$/.test(text)) throw appError('BODY_INVALID', { message: 'an info-hash is 40 hex characters' })
  return text as InfoHash
}
