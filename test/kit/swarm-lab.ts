import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type FakeClock, fakeClock, type Random, seededRandom } from '../../lib/base/index.ts'
import {
  newPeerId,
  type PeerId,
  type PeerInfo,
  type PeerRole,
  parseRepository,
  type SwarmId,
} from '../../lib/core/index.ts'
import { hashPiece, inlineDigester, type PieceDigester } from '../../lib/metainfo/index.ts'
import { type ManagedStore, memoryStore } from '../../lib/store/index.ts'
import {
  type AnnounceEntry,
  type Announcer,
  type AnnouncingNode,
  type ForeignSwarms,
  type MemoryNetwork,
  memoryNetwork,
  type OriginRing,
  type PeerProver,
  type ReadOptions,
  type SeedChange,
  type SwarmEngine,
  type SwarmEngineInit,
  swarmEngine,
} from '../../lib/swarm/index.ts'
import { type Logger, type RecordingMetrics, recordingMetrics, silentLogger } from '../../lib/telemetry/index.ts'
import type { SwarmBlob } from './swarm-blob.ts'
import { type SwarmSources, swarmSources } from './swarm-sources.ts'

/** A tracker in memory: knows the peers of each swarm and names all others to the asker, agents first. */
export interface LabTracker {
  readonly announcer: Announcer
  /** While false, no announce is answered. */
  alive: boolean
  readonly entries: readonly AnnounceEntry[]
  /** Who sent each batch. */
  readonly senders: readonly AnnouncingNode[]
}

export function labTracker(): LabTracker {
  const swarms = new Map<SwarmId, Map<PeerId, PeerInfo>>()
  const untold = new Map<PeerId, readonly SeedChange[]>()
  const swarmOf = (swarmId: SwarmId) => {
    const swarm = swarms.get(swarmId) ?? new Map<PeerId, PeerInfo>()
    swarms.set(swarmId, swarm)
    return swarm
  }
  /** Notes a new or a lost seed like an announce of its own; who was downloading says `completed` anyway. */
  const take = (me: AnnouncingNode, { blob, swarmId, seeded }: SeedChange) => {
    const swarm = swarmOf(swarmId)
    const numbers = { leftBytes: 0, wantPeers: 0, reports: [] }
    if (swarm.has(me.peerId) !== seeded) {
      entries.push({ ...blob, swarmId, event: seeded ? 'started' : 'stopped', ...numbers })
    }
    if (seeded) swarm.set(me.peerId, { ...me, complete: true })
    else swarm.delete(me.peerId)
  }
  const entries: AnnounceEntry[] = []
  const senders: AnnouncingNode[] = []
  const tracker = {
    alive: true,
    entries,
    senders,
    announcer: {
      announce: async (me: AnnouncingNode, batch: readonly AnnounceEntry[]) => {
        if (!tracker.alive) return []
        senders.push(me)
        return batch.map((entry) => {
          entries.push(entry)
          const swarm = swarmOf(entry.swarmId)
          if (entry.event === 'stopped') swarm.delete(me.peerId)
          else swarm.set(me.peerId, { ...me, complete: entry.leftBytes === 0 })
          const others = [...swarm.values()].filter(({ peerId }) => peerId !== me.peerId)
          others.sort((a, b) => Number(a.role === 'origin') - Number(b.role === 'origin'))
          return { swarmId: entry.swarmId, peers: others.slice(0, entry.wantPeers), intervalMs: 5_000 }
        })
      },
      tellSeeds: async (me: AnnouncingNode, changes: readonly SeedChange[]) => {
        const late = untold.get(me.peerId) ?? []
        untold.set(me.peerId, tracker.alive ? [] : [...late, ...changes])
        if (!tracker.alive) return { told: false, intervalMs: undefined }
        if (changes.length + late.length > 0) senders.push(me)
        for (const change of [...late, ...changes]) take(me, change)
        return { told: true, intervalMs: undefined }
      },
    },
  }
  return tracker
}

/** One node of the lab. */
export interface LabNode {
  readonly peerId: PeerId
  readonly host: string
  readonly engine: SwarmEngine
  readonly store: ManagedStore
  readonly metrics: RecordingMetrics
  /** Payload bytes received from agents and from origins. */
  readonly received: { readonly peer: number; readonly origin: number }
  readonly sentToPeers: number
  /** Opens the blob, reads all of it and closes it. */
  pull(blob: SwarmBlob, options?: ReadOptions): Promise<Uint8Array>
}

export interface LabNodeInit extends Partial<SwarmEngineInit> {
  readonly capacityBytes?: number
  readonly prover?: PeerProver | undefined
  /** What trackers know of stock clients; without it the node keeps to nodes of ours. */
  readonly foreign?: ForeignSwarms
  /** The role that trackers name it by; default: its own. */
  readonly announcedAs?: PeerRole
  /** Default: silent. */
  readonly logger?: Logger
  /** The origins of each blob; without it, every origin takes itself for the only one. */
  readonly ring?: OriginRing | undefined
  readonly collectGarbage?: () => void
  /** Default: hashes at once. */
  readonly digester?: PieceDigester
  /** A store that outlives the node; default a new one. */
  readonly store?: ManagedStore
  /** Wraps the store from which the node reads its blobs. */
  readonly wrapStore?: (store: ManagedStore) => ManagedStore
}

export interface SwarmLab extends AsyncDisposable {
  readonly clock: FakeClock
  readonly random: Random
  readonly network: MemoryNetwork
  readonly tracker: LabTracker
  readonly sources: SwarmSources
  agent(init?: LabNodeInit): Promise<LabNode>
  /** Adds an origin with every blob of the lab. */
  origin(init?: LabNodeInit): Promise<LabNode>
  /** Advances the clock until the promise settles. */
  run<T>(work: Promise<T>): Promise<T>
}

/**
 * A swarm in one process: engines on a network in memory, with one clock that only moves in `run`. They announce to the
 * lab's own tracker, or to that of `announcerOn`.
 */
export function swarmLab(
  blobs: readonly SwarmBlob[],
  seed = 1,
  announcerOn?: (clock: FakeClock) => Announcer,
): SwarmLab {
  const clock = fakeClock()
  const random = seededRandom(seed)
  const network = memoryNetwork()
  const tracker = labTracker()
  const announcer = announcerOn?.(clock) ?? tracker.announcer
  const sources = swarmSources(blobs)
  const nodes: { stop(): Promise<void> }[] = []

  const node = async (role: PeerRole, init: LabNodeInit): Promise<LabNode> => {
    const host = `10.0.0.${nodes.length + 1}`
    const built = await startNode({ clock, random, network, announcer, sources }, { host, role, init })
    nodes.push(built.engine)
    return built
  }

  return {
    clock,
    random,
    network,
    tracker,
    sources,
    agent: (init = {}) => node('agent', init),
    async origin(init = {}) {
      const built = await node('origin', init)
      for (const blob of blobs) {
        await putBlob(built.store, blob)
        built.engine.seed({ digest: blob.digest, repository: parseRepository('lab') }, blob.bytes.length)
      }
      await clock.advance(50)
      return built
    },
    run: <T>(work: Promise<T>): Promise<T> => runOn(clock, work),
    async [Symbol.asyncDispose]() {
      await runOn(clock, Promise.all(nodes.map((one) => one.stop())))
    },
  }
}

interface Shared extends Pick<SwarmLab, 'clock' | 'random' | 'network' | 'sources'> {
  readonly announcer: Announcer
}

async function startNode(
  { clock, random, network, announcer, sources }: Shared,
  { host, role, init }: { readonly host: string; readonly role: PeerRole; readonly init: LabNodeInit },
): Promise<LabNode> {
  const metrics = recordingMetrics()
  const peerId = newPeerId(random)
  const {
    capacityBytes = 1e9,
    prover,
    foreign,
    announcedAs,
    ring,
    logger = silentLogger(),
    collectGarbage,
    digester = inlineDigester(),
    wrapStore = (store: ManagedStore) => store,
    ...rest
  } = init
  const store = init.store ?? memoryStore({ clock, random, logger }, { capacityBytes })
  await store.start()
  const engine = swarmEngine(
    {
      clock,
      random,
      logger,
      metrics,
      store: wrapStore(store),
      announcer: announcedAs === undefined ? announcer : inRole(announcer, announcedAs),
      metainfo: sources.metainfo,
      pieces: sources.pieces,
      transport: network.host(host),
      digester,
      prover,
      foreign,
      ring,
      collectGarbage,
    },
    { peerId, role, listen: { host, port: 0 }, ...rest },
  )
  await engine.start()
  return {
    peerId,
    host,
    engine,
    store,
    metrics,
    get received() {
      const of = (from: string) => metrics.value('shoal_received_bytes_total', { from })
      return { peer: of('peer'), origin: of('origin') }
    },
    get sentToPeers() {
      return metrics.value('shoal_sent_bytes_total', { to: 'peer' })
    },
    async pull(blob, options = {}) {
      const handle = await engine.open({ digest: blob.digest, repository: parseRepository('lab') })
      try {
        return await readAll(handle.read(undefined, options))
      } finally {
        handle.close()
      }
    },
  }
}

function inRole(announcer: Announcer, role: PeerRole): Announcer {
  return {
    announce: (self, ...rest) => announcer.announce({ ...self, role }, ...rest),
    tellSeeds: (self, ...rest) => announcer.tellSeeds({ ...self, role }, ...rest),
  }
}

/** All bytes of a stream. */
export function readAll(stream: Readable): Promise<Uint8Array> {
  return buffer(stream)
}

/** Puts the complete blob into the store. */
export async function putBlob(store: ManagedStore, blob: SwarmBlob): Promise<void> {
  await putPieces(store, blob, blob.map.count)
  await (await store.openPartial(blob.digest, blob.map)).complete()
}

/** Puts the first `count` pieces of the blob into a partial blob. */
export async function putPieces(store: ManagedStore, blob: SwarmBlob, count: number): Promise<void> {
  const partial = await store.openPartial(blob.digest, blob.map)
  for (let piece = 0; piece < count; piece += 1) {
    const { start, end } = blob.map.rangeOf(piece)
    const bytes = blob.bytes.subarray(start, end)
    await partial.write(piece, bytes, hashPiece(bytes))
  }
}

const STEP_MS = 5
const MAX_STEPS = 60_000

async function runOn<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  const state = { settled: false }
  const mark = () => {
    state.settled = true
  }
  work.then(mark, mark)
  for (let step = 0; step < MAX_STEPS && !state.settled; step += 1) await clock.advance(STEP_MS)
  if (!state.settled) throw new Error('nothing came of it in five minutes of the lab')
  return work
}
