import { type Clock, lifecycle, type Random, type Rounds, rounds, type Startable } from '../../../lib/base/index.ts'
import type { Route } from '../../../lib/http/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import { type HeldLease, heldWork, type Leases, type ManagerDatabase, managerIdentity } from '../database/index.ts'
import { laterGeneration } from '../giving.ts'
import { lookAtRelations, pushRelations, type RelationClusters, reachedAt } from './push.ts'
import { type RelationMeters, relationMeters } from './relation-meters.ts'
import { relationRoutes } from './relation-routes.ts'
import { type RelationStore, raiseRelationGeneration, relationStore } from './relation-store.ts'
import { seenRelations } from './seen.ts'

export interface RelationsComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  readonly database: ManagerDatabase
  readonly clusters: RelationClusters
  readonly duties: Leases
}

/** Which cluster replicates to which, and the build-indexes that get it. */
export interface RelationsPart extends Startable {
  readonly routes: readonly Route[]
}

/** Pause between two rounds. */
const ROUND_MS = 5_000

interface WorkComponents extends Pick<RelationsComponents, 'clock' | 'logger' | 'clusters'> {
  readonly store: Pick<RelationStore, 'wanted'>
  readonly database: Pick<HeldLease, 'keep'>
  readonly meters: RelationMeters
  readonly manager: () => string
}

/** What the manager that has this duty does, again and again. */
function relationsWork(components: WorkComponents): Rounds {
  const { clock, logger, store, database, meters, manager } = components
  return rounds(clock, {
    async work(signal) {
      const rows = await pushRelations(components, { wanted: await store.wanted(), manager: manager(), signal })
      meters.buildIndexes(rows.map(({ state }) => state))
      const later = laterGeneration(rows)
      if (later === undefined) return ROUND_MS
      await raiseRelationGeneration(database, later)
      return 0
    },
    onFailure(err) {
      meters.failed()
      logger.warn('failed to bring relations to the build-indexes', { err })
    },
    retryMs: ROUND_MS,
  })
}

export function openRelations(components: RelationsComponents): RelationsPart {
  const { duties, metrics, clusters } = components
  const store = relationStore(components)
  const identity = managerIdentity(components)
  const manager = () => identity.id
  const meters = relationMeters(metrics)
  const duty = heldWork(duties, 'relations', (lease) =>
    relationsWork({ ...components, store, database: lease, meters, manager }),
  )
  return {
    routes: relationRoutes({
      ...{ store, clusters, onChange: () => duty.ask() },
      async look(signal) {
        const wanted = await store.wanted()
        const buildIndexes = await lookAtRelations(components, { wanted, manager: manager(), signal })
        return { generation: wanted.generation, buildIndexes }
      },
      async list(asked) {
        const { relations } = await store.wanted()
        return seenRelations(components, { ...asked, relations, urlsTo: (id) => reachedAt(clusters, id) })
      },
    }),
    ...lifecycle([identity, duty]),
  }
}
