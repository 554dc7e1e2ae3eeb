import { createHash } from 'node:crypto'
import { appError } from '../base/index.ts'
import { type Digest, digestAlgorithm, digestHex } from './digest.ts'

declare const brand: unique symbol

/** 20 bytes as 40 lower-case hex characters; the info_hash in handshakes and announces. */
export type SwarmId = string & { readonly [brand]: 'SwarmId' }

/**
 * The swarm of a blob: the first 20 bytes of its SHA-256, as BEP 52 truncates its info hash. For another algorithm: the
 * first 20 bytes of the SHA-256 of the digest text. So a peer can join a swarm when it knows only the digest.
 */
export function swarmIdOf(digest: Digest): SwarmId {
  const hex =
    digestAlgorithm(digest) === 'sha256' ? digestHex(digest) : createHash('sha256').update(digest).digest('hex')
  return hex.slice(0, 40) as SwarmId
}

/** @throws BODY_INVALID when it is not 40 hex characters. */
export function parseSwarmId(text: string): SwarmId {
  if (!/^[0-9a-f]{40}$/.test(text)) throw appError('BODY_INVALID', { message: 'a swarm id is 40 hex characters' })
  return text as SwarmId
}
