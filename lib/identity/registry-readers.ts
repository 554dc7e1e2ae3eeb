import { appError } from '../base/index.ts'
import { isLoopback } from './loopback.ts'
import type { AnonymousRights } from './token-authenticator.ts'

export interface RegistryReaders {
  /** Where the registry listens. */
  readonly host: string
  readonly token?: string | undefined
  /** What the config says about callers without the token; undefined when it says nothing. */
  readonly anonymous?: AnonymousRights | undefined
}

/**
 * The rights of callers without the token at a read-only registry: they may read, unless the config says otherwise. A
 * registry that other machines can reach, in a cluster with a token, must have this in its config.
 * @throws READERS_UNSAID
 */
export function registryReaders({ host, token, anonymous }: RegistryReaders): AnonymousRights {
  if (anonymous !== undefined) return anonymous
  if (token === undefined || isLoopback(host)) return 'read'
  throw appError('READERS_UNSAID', { detail: { host } })
}

/** Whether callers without the token may read although the cluster has a token. */
export const isOpenToStrangers = ({ host, token, anonymous }: RegistryReaders): boolean =>
  token !== undefined && !isLoopback(host) && anonymous !== 'none'
