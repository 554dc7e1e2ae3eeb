import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { httpServer } from '../../../lib/http/index.ts'
import { secretAuthenticator } from '../../../lib/identity/index.ts'
import { type RegistryInit, type RegistryStorage, registryRoutes } from '../../../lib/registry/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { accepting } from '../../kit/secrets.ts'
import type { RunningRegistry } from './running-registry.ts'

/** Serves a storage through the registry front on a free port of 127.0.0.1. */
export async function serveRegistry(
  storage: RegistryStorage,
  init: Partial<RegistryInit> & { readonly secret?: string } = {},
): Promise<RunningRegistry> {
  const { secret, ...front } = init
  const routes = registryRoutes(storage, { ownNames: [], uploadSecret: 'secret of the test', ...front })
  const components = {
    logger: silentLogger(),
    metrics: silentMetrics(),
    clock: systemClock(),
    random: seededRandom(5),
    authenticate: secretAuthenticator(
      secret === undefined ? {} : { secrets: accepting({ push: secret }), anonymous: 'read' },
    ),
  }
  const bind = { host: '127.0.0.1', port: 0 }
  // As a service has it: clients call a registry by any name.
  const settings = { bind, routes, hosts: 'any', envelope: 'registry', drainMs: 0 } as const
  const server = httpServer(components, { name: 'registry', ...settings })
  await server.start()
  return { url: server.url, [Symbol.asyncDispose]: () => server.stop() }
}
