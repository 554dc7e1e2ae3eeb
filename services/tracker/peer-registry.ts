import { type Clock, OrderedKeys, type Random } from '../../lib/base/index.ts'
import type { PeerId, PeerInfo, SwarmId } from '../../lib/core/index.ts'
import { heldSlots, type Worth } from './held-slots.ts'
import { type PeerEntry, type SampledPeer, type Slot, type SlotWatcher, type Swarm, swarm } from './swarm.ts'

export interface PeerRegistryInit {
  /** Most entries of all swarms, and most swarms. Beyond it, entries of a caller that holds many make room. */
  readonly maxEntries: number
  readonly maxSwarms: number
  /** Most peers of a swarm. */
  readonly maxPeersPerSwarm: number
}

/** One entry of a swarm, for people. */
export interface ListedPeer extends PeerInfo {
  /** What it lacks, if it has said so. */
  readonly leftBytes: number | undefined
}

/** Looks at the entries, for people. */
export interface SwarmInspection {
  /** Swarms with entries, in order, from this text on or behind it. */
  ids(text?: string, options?: { readonly behind?: boolean }): Iterable<SwarmId>
  entries(swarmId: SwarmId): readonly ListedPeer[]
  /** The swarms in which a node has an entry. */
  swarmsOf(peerId: PeerId): ReadonlySet<SwarmId>
  /** Forgets all entries of a swarm. */
  drop(swarmId: SwarmId): void
}

/** An entry with the time that it has left. */
export interface RecordedPeer extends Pick<Slot, 'entry' | 'leftBytes'> {
  readonly ttlMs: number
}

/**
 * The peers of every swarm, in memory: a restart forgets them, and the next announces bring them back. The time of an
 * announce or a sample does not depend on the number of peers in the swarm.
 */
export interface PeerEntries {
  /** Adds or renews an entry for `ttlMs`. False, and nothing changes, when the peer id belongs to another key. */
  announce(swarmId: SwarmId, entry: PeerEntry, ttlMs: number, leftBytes?: number): boolean
  /** Forgets an entry at once. False when the peer id belongs to another key. */
  leave(swarmId: SwarmId, entry: Pick<PeerEntry, 'peerId' | 'key'>): boolean
  has(swarmId: SwarmId, peerId: PeerId): boolean
  /**
   * Up to `limit` random peers of each kind: agents with the whole blob, agents without it, origins. With a zone, so many
   * of that zone, and a few of the others.
   */
  sample(swarmId: SwarmId, limit: number, zone?: string): readonly SampledPeer[]
  /** The numbers of entries in a swarm with the whole blob and without it. */
  counts(swarmId: SwarmId): { readonly complete: number; readonly incomplete: number }
  /** Drops expired entries. Call it regularly, because a swarm without announces is otherwise not looked at. */
  sweep(): void
  readonly swarms: number
  /** Entries of all swarms. */
  readonly peers: number
}

/** The entries as trackers share them. */
export interface PeerRecords {
  /** Everything that is known of a swarm. */
  records(swarmId: SwarmId): readonly RecordedPeer[]
  /**
   * Takes an entry that another tracker has: not in the place of one that is here, and not where another would have to
   * make room. False when it was not taken.
   */
  learn(swarmId: SwarmId, entry: PeerEntry, ttlMs: number, leftBytes?: number): boolean
}

export type PeerRegistry = PeerEntries & SwarmInspection & PeerRecords

export interface PeerRegistryComponents {
  readonly clock: Clock
  readonly random: Random
  /** How many nodes of this role seed the blob completely. */
  readonly seeders: (swarmId: SwarmId, role: 'agent' | 'origin') => number
  /** An entry, or a swarm with its entries, has made room. */
  readonly onEvicted: (what: 'entry' | 'swarm', swarmId: SwarmId, entries: readonly PeerEntry[]) => void
}

export function peerRegistry(components: PeerRegistryComponents, init: PeerRegistryInit): PeerRegistry {
  const { clock, random, seeders, onEvicted } = components
  const swarms = new Map<SwarmId, Swarm>()
  const order = new OrderedKeys<SwarmId>()
  const [held, nodes] = [heldSlots(), swarmsByNode()]
  const watcher = bothOf(held, nodes)

  const kept = (found: Swarm): Swarm | undefined => {
    if (found.size > 0) return found
    swarms.delete(found.id)
    order.delete(found.id)
    return undefined
  }
  const swept = (id: SwarmId): Swarm | undefined => {
    const found = swarms.get(id)
    found?.sweep(clock.monotonicMs())
    return found && kept(found)
  }
  const evict = (what: 'entry' | 'swarm') => {
    const slot = held.victim(worthBy(seeders))
    if (slot === undefined) return
    const gone = what === 'entry' ? [slot.entry] : Array.from(slot.swarm.slots, ({ entry }) => entry)
    for (const entry of gone) slot.swarm.remove(entry.peerId, entry.key)
    kept(slot.swarm)
    onEvicted(what, slot.swarm.id, gone)
  }
  const newSwarm = (id: SwarmId): Swarm => {
    if (swarms.size >= init.maxSwarms) evict('swarm')
    const made = swarm(id, { random, maxPeers: init.maxPeersPerSwarm, watcher })
    swarms.set(id, made)
    order.add(id)
    return made
  }
  return {
    announce(id, entry, ttlMs, leftBytes) {
      const taken = (swept(id) ?? newSwarm(id)).put(entry, clock.monotonicMs() + ttlMs, leftBytes)
      if (held.size > init.maxEntries) evict('entry')
      return taken
    },
    leave(id, { peerId, key }) {
      const found = swept(id)
      const taken = found?.remove(peerId, key) ?? true
      if (found !== undefined) kept(found)
      return taken
    },
    has: (id, peerId) => swept(id)?.has(peerId) ?? false,
    sample: (id, limit, zone) => swept(id)?.sample({ limit, zone }, clock.monotonicMs()) ?? [],
    counts: (id) => swept(id)?.counts ?? { complete: 0, incomplete: 0 },
    sweep() {
      for (const id of [...swarms.keys()]) swept(id)
    },
    ...inspection({ swarms, order, swept, kept, nodes }),
    ...sharedRecords({ clock, nodes, swarms, held, swept, newSwarm }, init),
    get swarms() {
      return swarms.size
    },
    get peers() {
      return held.size
    },
  }
}

/** A real swarm has somebody to read from: origins, seeders, or at least others. */
const worthBy =
  (seeders: PeerRegistryComponents['seeders']) =>
  ({ swarm: { id, size } }: Slot): Worth => {
    if (seeders(id, 'origin') > 0) return 3
    if (seeders(id, 'agent') > 0) return 2
    return size > 1 ? 1 : 0
  }

const nowhere: ReadonlySet<SwarmId> = new Set()

/** In which swarms each node has an entry. */
function swarmsByNode() {
  const byNode = new Map<PeerId, Set<SwarmId>>()
  return {
    added({ entry: { peerId }, swarm: { id } }: Slot) {
      const known = byNode.get(peerId) ?? new Set()
      byNode.set(peerId, known.add(id))
    },
    dropped({ entry: { peerId }, swarm: { id } }: Slot) {
      const known = byNode.get(peerId)
      known?.delete(id)
      if (known?.size === 0) byNode.delete(peerId)
    },
    of: (peerId: PeerId): ReadonlySet<SwarmId> => byNode.get(peerId) ?? nowhere,
  }
}

const bothOf = (...watchers: readonly SlotWatcher[]): SlotWatcher => ({
  added: (slot) => {
    for (const watcher of watchers) watcher.added(slot)
  },
  dropped: (slot) => {
    for (const watcher of watchers) watcher.dropped(slot)
  },
})

interface Inspected {
  readonly swarms: ReadonlyMap<SwarmId, Swarm>
  readonly order: OrderedKeys<SwarmId>
  readonly swept: (id: SwarmId) => Swarm | undefined
  /** Forgets the swarm when it is empty. */
  readonly kept: (swarm: Swarm) => void
  readonly nodes: ReturnType<typeof swarmsByNode>
}

const inspection = ({ swarms, order, swept, kept, nodes }: Inspected): SwarmInspection => ({
  ids: (text = '', options = {}) => order.from(text, options),
  entries: (id) =>
    [...(swept(id)?.slots ?? [])].map(({ entry: { peerId, host, port, role, complete }, leftBytes }) => ({
      ...{ peerId, host, port, role, complete, leftBytes },
    })),
  swarmsOf: (peerId) => nodes.of(peerId),
  drop(id) {
    const found = swarms.get(id)
    found?.clear()
    if (found !== undefined) kept(found)
  },
})

interface Shared {
  readonly clock: Clock
  readonly nodes: ReturnType<typeof swarmsByNode>
  readonly swept: (id: SwarmId) => Swarm | undefined
  readonly newSwarm: (id: SwarmId) => Swarm
  readonly swarms: ReadonlyMap<SwarmId, Swarm>
  readonly held: { readonly size: number }
}

const sharedRecords = (
  { clock, nodes, swarms, held, swept, newSwarm }: Shared,
  init: PeerRegistryInit,
): PeerRecords => {
  /** For an entry of this swarm, or of a new one. */
  const hasRoom = (found: Swarm | undefined) =>
    held.size < init.maxEntries &&
    (found === undefined ? swarms.size < init.maxSwarms : found.size < init.maxPeersPerSwarm)
  const records = (id: SwarmId) =>
    [...(swept(id)?.slots ?? [])].map(({ entry, leftBytes, expiresAtMs }) => ({
      ...{ entry, leftBytes },
      ttlMs: expiresAtMs - clock.monotonicMs(),
    }))
  return {
    records,
    learn(id, entry, ttlMs, leftBytes) {
      const found = swept(id)
      if (!hasRoom(found) || nodes.of(entry.peerId).has(id)) return false
      return (found ?? newSwarm(id)).put(entry, clock.monotonicMs() + ttlMs, leftBytes)
    },
  }
}
