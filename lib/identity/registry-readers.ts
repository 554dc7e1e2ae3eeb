import { appError } from '../base/index.ts'
import { isLoopback } from './loopback.ts'
import type { AnonymousRights } from './principal.ts'
import type { Secrets } from './secrets.ts'

export interface RegistryReaders {
  /** Where the registry listens. */
  readonly host: string
  readonly secrets: Pick<Secrets, 'some'>
  /** What the config says about callers without a secret; undefined when it says nothing. */
  readonly anonymous?: AnonymousRights | undefined
}

/**
 * The rights of callers without a secret at a read-only registry: they may read, unless the config says otherwise. A
 * registry that other machines can reach, in a cluster with secrets, must have this in its config.
 * @throws READERS_UNSAID
 */
export function registryReaders({ host, secrets, anonymous }: RegistryReaders): AnonymousRights {
  if (anonymous !== undefined) return anonymous
  if (!secrets.some || isLoopback(host)) return 'read'
  throw appError('READERS_UNSAID', { detail: { host } })
}

/** Whether callers without a secret may read although the cluster has secrets. */
export const isOpenToStrangers = ({ host, secrets, anonymous }: RegistryReaders): boolean =>
  secrets.some && !isLoopback(host) && anonymous !== 'none'
