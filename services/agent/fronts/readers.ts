import { type AnonymousRights, isOpenToStrangers, registryReaders } from '../../../lib/identity/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { AgentConfig } from '../config.ts'

/** What a client without a secret may do at a listener for clients on this host. @throws READERS_UNSAID */
export function readers(
  { logger }: Runtime,
  { secrets, registry: { anonymous } }: AgentConfig,
  host: string,
): AnonymousRights {
  const rights = registryReaders({ host, secrets, anonymous })
  if (isOpenToStrangers({ host, secrets, anonymous: rights })) {
    logger.warn('everybody who reaches the registry may read', { host, anonymous: rights })
  }
  return rights
}
