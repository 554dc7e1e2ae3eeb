import { originRoutes } from '../../../lib/api/index.ts'
import type { Backends } from '../../../lib/backend/index.ts'
import { appError, type Startable } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import type { BlobRef } from '../../../lib/core/index.ts'
import type { Route } from '../../../lib/http/index.ts'
import type { Hashing } from '../../../lib/metainfo/index.ts'
import type { ReadinessCheck, Runtime } from '../../../lib/service/index.ts'
import { type ManagedStore, type StoredBlob, scrubRounds } from '../../../lib/store/index.ts'
import type { SwarmEngine } from '../../../lib/swarm/index.ts'
import type { BlobNames } from '../blob-names.ts'
import type { Ingest, IngestEnding } from '../bring/ingest-contract.ts'
import type { Refusals } from '../bring/refusals.ts'
import type { OriginConfig } from '../config.ts'
import type { Siblings } from '../ring/siblings.ts'
import { blobKeeper } from './blob-keeper.ts'
import { type Copies, copies } from './copies.ts'
import { evictionGuard } from './eviction-guard.ts'
import type { EvictionVote } from './eviction-vote.ts'
import { type Farewell, farewell } from './farewell.ts'
import { handOver } from './hand-over.ts'
import { handOverRounds } from './hand-over-rounds.ts'
import { type Leaving, type LeavingState, leaving } from './leaving.ts'
import { repair } from './repair.ts'
import { upkeepMetrics } from './upkeep-metrics.ts'
import type { UpkeepRoutesComponents } from './upkeep-routes.ts'

export interface UpkeepComponents extends Runtime {
  readonly store: ManagedStore
  readonly backends: Pick<Backends, 'backendFor'>
  readonly names: BlobNames
  readonly cluster: Cluster
  readonly siblings: Siblings
  readonly refusals: Refusals
  readonly ingest: Ingest & IngestEnding
  readonly onReceived: (from: 'origin', bytes: number) => void
  readonly onStored: (blob: BlobRef, stored: StoredBlob) => void
  readonly engine: Pick<SwarmEngine, 'forget'>
  readonly hashing: Hashing
  /** This upkeep sets its eviction rule here as soon as it is made. */
  readonly evictions: Pick<EvictionVote, 'decideBy'>
  /** Counts work that only this member knows of and that must be done before it leaves. */
  readonly pending: () => Promise<number>
}

/** Looks after stored blobs: eviction, hand-over, scrub, and the requests of an admin. */
export interface Upkeep extends Startable {
  readonly copies: Copies
  /** Not ready while this origin leaves. */
  readonly drain: ReadinessCheck
  readonly admin: UpkeepRoutesComponents
  /** Stop it first, while everything else still runs. */
  readonly farewell: Farewell
  /** Wraps routes: those that bring new blobs to this origin are refused while it leaves, and before it stops. */
  whileStaying(routes: readonly Route[]): readonly Route[]
}

const sentences: Readonly<Record<LeavingState, string | undefined>> = {
  staying: undefined,
  leaving: 'draining: hands over what only this origin has',
  left: 'drained: this origin may be stopped and taken out of the config',
}

/** Refuses requests that would bring new blobs here. */
function whileStaying(
  member: Pick<Leaving, 'state'>,
  { hasBegun }: { readonly hasBegun: () => boolean },
  routes: readonly Route[],
): readonly Route[] {
  const brings = ({ methods, path }: Route) =>
    (path === originRoutes.uploads && methods.includes('POST')) ||
    (path === originRoutes.blob && methods.includes('PUT'))
  const guarded = (route: Route): Route => ({
    ...route,
    handle(exchange) {
      if (hasBegun()) throw appError('SHUTTING_DOWN')
      if (member.state === 'staying') return route.handle(exchange)
      throw appError('SHUTTING_DOWN', { message: 'this origin is being drained; ask another' })
    },
  })
  return routes.map((route) => (brings(route) ? guarded(route) : route))
}

export function upkeep(components: UpkeepComponents, config: OriginConfig): Upkeep {
  const { store, cluster, clock, logger, pending } = components
  const self = { memberId: config.member }
  const metrics = upkeepMetrics(components.metrics)
  const member = leaving()
  const where = copies({ ...components, isLeaving: () => member.state !== 'staying' }, self)
  components.evictions.decideBy(evictionGuard({ store, copies: where, clock }))

  const handing = handOver(
    { ...components, copies: where, onCopied: metrics.copied, onWalked: ({ unsafe }) => metrics.unsafe(unsafe) },
    { bytesPerSecond: config.handOver.rate },
  )
  const handOvers = handOverRounds(
    {
      handOver: handing,
      leaving: member,
      clock,
      pending,
      isWell: () => cluster.members.every(({ id }) => cluster.isHealthy(id)),
      onFailure: (err) => logger.error('failed to hand blobs over', { err }),
    },
    { intervalMs: config.handOver.interval },
  )

  const scrubs = scrubRounds(
    {
      ...components,
      digester: components.hashing.digester,
      pieceHashes: store,
      repair: repair({ ...components, copies: where }),
    },
    { periodMs: config.scrub.period, bytesPerSecond: config.scrub.rate },
  )

  const ending = farewell({ ...components, onCopied: metrics.copied }, { ...self, limitMs: config.drain })

  // Others own some of the blobs then.
  let unfollow: (() => void) | undefined

  return {
    copies: where,
    drain: () => sentences[member.state],
    admin: {
      store,
      keeper: blobKeeper({ store, copies: where }),
      scrub: scrubs.scrub,
      scrubRounds: scrubs,
      handOver: handing,
      handOverRounds: handOvers,
      clock,
    },
    farewell: ending,
    whileStaying: (routes) => whileStaying(member, { hasBegun: () => ending.hasBegun }, routes),
    async start() {
      await handOvers.start()
      await scrubs.start()
      unfollow ??= cluster.onChange(() => handOvers.ask())
    },
    async stop() {
      unfollow?.()
      unfollow = undefined
      await Promise.all([handOvers.stop(), scrubs.stop()])
    },
  }
}
