import { type Route, sendJson } from '../../../lib/http/index.ts'
import type { ManagerDatabase } from '../database/index.ts'
import { type DragonflyClustersComponents, dragonflyClusterRoutes } from './dragonfly-clusters.ts'
import { type DragonflyComponents, dragonflyJobRoutes } from './dragonfly-routes.ts'
import { dragonflyStore } from './dragonfly-store.ts'
import { type KrakenComponents, managerKrakenRoutes } from './kraken-routes.ts'

export interface AdaptersComponents
  extends Omit<DragonflyComponents, 'store'>,
    Omit<DragonflyClustersComponents, 'store'>,
    KrakenComponents {
  readonly database: ManagerDatabase
}

/** The manager in the shapes of others: what it does is done by its own API's parts. */
export function adapterRoutes(
  components: AdaptersComponents,
  init: { readonly ownNames: readonly string[] },
): readonly Route[] {
  const store = dragonflyStore(components.database)
  return [
    {
      ...{ methods: ['GET'], path: '/healthy', right: 'none', summary: '200 while the process runs, for Harbor' },
      handle: (exchange) => sendJson(exchange, 200, 'OK'),
    },
    ...dragonflyJobRoutes({ ...components, store }),
    ...dragonflyClusterRoutes({ ...components, store }),
    ...managerKrakenRoutes(components, init),
  ]
}
