import { repositoryGlob } from '../../lib/core/index.ts'
import type { LookBudget, RequestRate, Route } from '../../lib/http/index.ts'
import { type RegistryStorage, registryRoutes } from '../../lib/registry/index.ts'
import type { BlobTraffic } from '../../lib/telemetry/index.ts'
import type { RegistryAccess } from './access/registry-access.ts'
import type { ProxyConfig } from './config.ts'

export interface ProxyRoutesInit {
  readonly registry: ProxyConfig['registry']
  /** Signs the Locations of uploads. */
  readonly uploadSecret: string | Uint8Array
  readonly traffic: BlobTraffic
  readonly looks: LookBudget
  /** How clients log in, where the config says who may do what. */
  readonly access?: Pick<RegistryAccess, 'logIn' | 'routes'> | undefined
  readonly rate: RequestRate
}

/** The routes of the main listener: the OCI registry, for pushes and pulls. */
export function proxyServerRoutes(storage: RegistryStorage, init: ProxyRoutesInit): readonly Route[] {
  const { registry, uploadSecret, traffic, looks, rate, access } = init
  const sparse = registry.sparseIndexes.map(repositoryGlob)
  const routes = registryRoutes(storage, {
    ownNames: registry.ownNames,
    uploadSecret,
    looks,
    ...(access !== undefined && { logIn: access.logIn }),
    rate,
    mayBeSparse: (repository) => sparse.some((glob) => glob.fits(repository)),
    traffic: {
      received: (bytes) => traffic.received('client', bytes),
      sent: (bytes) => traffic.sent('client', bytes),
    },
  })
  return [...routes, ...(access?.routes ?? [])]
}
