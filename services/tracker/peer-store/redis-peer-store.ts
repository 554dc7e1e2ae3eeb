import type { Clock, Random } from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { isProven } from '../owner.ts'
import type { PeerRegistry } from '../peer-registry.ts'
import type { SeedRegistry } from '../seeds/seed-registry.ts'
import type { PeerStore } from './peer-store.ts'
import { type RedisPlace, redisConnection } from './redis-connection.ts'
import { redisLink } from './redis-link.ts'
import { rewriting } from './rewriting.ts'
import { storeCalls } from './scripts.ts'
import type { StoreMeters } from './store-meters.ts'
import { storeState } from './store-state.ts'
import { storeWrites } from './store-writes.ts'
import { swarmLoads } from './swarm-loads.ts'
import { writeBehind } from './write-behind.ts'

export interface RedisPeerStoreComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly meters: StoreMeters
  /** What the tracker has in memory. */
  readonly registry: PeerRegistry
  readonly seeds: SeedRegistry
  /** No announced entry lives longer. */
  readonly maxTtlMs: () => number
}

export interface RedisPeerStoreInit extends RedisPlace {
  /** All keys begin with it. */
  readonly prefix: string
}

/** Of the life of an entry, the part within which its peer announces again, with some time to spare. */
const NEXT_ANNOUNCE = 0.6

/** A store in redis that several trackers share. Without redis it does nothing, and tries again. */
export function redisPeerStore(components: RedisPeerStoreComponents, init: RedisPeerStoreInit): PeerStore {
  const { clock, random, registry, seeds, meters, maxTtlMs } = components
  const state = storeState(components)
  const calls = storeCalls(init.prefix)
  const link = redisLink({
    ...{ clock, random, state },
    connect: () => redisConnection(clock, init),
    onUp: () => {
      queue.wake()
      again.begin()
    },
  })
  const queue = writeBehind({ clock, link, state, meters, onRoom: () => again.begin() })
  const writes = storeWrites({ clock, random, calls, queue })
  const again = rewriting({ clock, registry, seeds, writes, queue })
  const loads = swarmLoads({ clock, link, calls, registry, seeds, maxTtlMs, meters })

  return {
    put(swarmId, entry, ttlMs, leftBytes) {
      loads.heard(swarmId, ttlMs * NEXT_ANNOUNCE)
      writes.peer(swarmId, entry, ttlMs, leftBytes)
    },
    left: (...gone) => writes.noPeer(...gone),
    seeded(node, { add, remove }, ttlMs) {
      writes.node(node, ttlMs)
      if (!isProven(node.peerId, node.key)) return
      for (const swarmId of remove) writes.noSeed(swarmId, node.peerId)
      for (const swarmId of add) writes.seed(swarmId, node.peerId)
    },
    dropped: (swarmId) => writes.drop(swarmId),
    ready: (swarmIds) => loads.ready(swarmIds),
    get trouble() {
      return state.trouble
    },
    start: () => link.start(),
    /** What waits is written, so that a restart finds it. */
    async stop() {
      await again.stop()
      await loads.stop()
      await queue.stop()
      await link.stop()
    },
  }
}
