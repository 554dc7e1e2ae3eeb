import { appError } from '../base/index.ts'
import { isLoopback } from './loopback.ts'
import type { AnonymousRights } from './token-authenticator.ts'

export interface RegistryReaders {
  /** Where the registry listens. */
  readonly host: string
  readonly token?: string | undefined
  /** What the config says of callers without the token; undefined when it says nothing. */
  readonly anonymous?: AnonymousRights | undefined
}

/**
 * What callers without the token may do at a registry that only serves reads: they read, unless the config says
 * otherwise. In a cluster with a token, beyond this machine, that must have been said.
 * @throws READERS_UNSAID
 */
export function registryReaders({ host, token, anonymous }: RegistryReaders): AnonymousRights {
  if (anonymous !== undefined) return anonymous
  if (token === undefined || isLoopback(host)) return 'read'
  throw appError('READERS_UNSAID', { detail: { host } })
}

/** Whether strangers read, although the cluster has a token. */
export const isOpenToStrangers = ({ host, token, anonymous }: RegistryReaders): boolean =>
  token !== undefined && !isLoopback(host) && anonymous !== 'none'
