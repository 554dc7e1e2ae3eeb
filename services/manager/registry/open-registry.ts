import { type Clock, lifecycle, type Random, type Rounds, rounds, type Startable } from '../../../lib/base/index.ts'
import type { Route } from '../../../lib/http/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import { type HeldLease, heldWork, type Leases, type ManagerDatabase, managerIdentity } from '../database/index.ts'
import { laterGeneration } from '../giving.ts'
import { lookAtProxies, pushUsers, type RegistryClusters } from './push.ts'
import { type RegistryMeters, registryMeters } from './registry-meters.ts'
import { registryUserRoutes } from './user-routes.ts'
import { type RegistryUserStore, raiseRegistryGeneration, registryUserStore } from './user-store.ts'

export interface RegistryComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  readonly database: ManagerDatabase
  readonly clusters: RegistryClusters
  readonly duties: Leases
}

/** Users of the registries of all clusters, and the proxies that get them. */
export interface RegistryPart extends Startable {
  readonly routes: readonly Route[]
}

/** Pause between two rounds. */
const ROUND_MS = 5_000

interface WorkComponents extends Pick<RegistryComponents, 'clock' | 'logger' | 'clusters'> {
  readonly store: Pick<RegistryUserStore, 'wanted'>
  readonly database: Pick<HeldLease, 'keep'>
  readonly meters: RegistryMeters
  readonly manager: () => string
}

/** What the manager that has this duty does, again and again. */
function registryWork(components: WorkComponents): Rounds {
  const { clock, logger, store, database, meters, manager } = components
  return rounds(clock, {
    async work(signal) {
      const rows = await pushUsers(components, { wanted: await store.wanted(), manager: manager(), signal })
      // Before the first user, a proxy that takes none lacks nothing.
      meters.proxies(rows.flatMap(({ state, wanted }) => (wanted > 0 ? [state] : [])))
      const later = laterGeneration(rows)
      if (later === undefined) return ROUND_MS
      await raiseRegistryGeneration(database, later)
      return 0
    },
    onFailure(err) {
      meters.failed()
      logger.warn('failed to bring users of registries to the proxies', { err })
    },
    retryMs: ROUND_MS,
  })
}

export function openRegistry(components: RegistryComponents): RegistryPart {
  const { duties, metrics, clusters } = components
  const store = registryUserStore(components)
  const identity = managerIdentity(components)
  const manager = () => identity.id
  const meters = registryMeters(metrics)
  const duty = heldWork(duties, 'registry', (lease) =>
    registryWork({ ...components, store, database: lease, meters, manager }),
  )
  const look = async (signal: AbortSignal) => {
    const wanted = await store.wanted()
    const proxies = await lookAtProxies(components, { wanted, manager: manager(), signal })
    return { generation: wanted.generation, proxies }
  }
  return {
    routes: registryUserRoutes({ store, look, clusters, onChange: () => duty.ask() }),
    ...lifecycle([identity, duty]),
  }
}
