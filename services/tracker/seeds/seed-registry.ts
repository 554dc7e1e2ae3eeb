import {
  type AgeLinks,
  AgeList,
  appError,
  type Clock,
  type Holders,
  holders,
  type Random,
} from '../../../lib/base/index.ts'
import type { PeerId, PeerInfo, PeerRole, SwarmId } from '../../../lib/core/index.ts'
import { callerAt } from '../../../lib/identity/index.ts'
import { mayChange } from '../owner.ts'
import type { SampledPeer } from '../swarm.ts'
import { Links } from './links.ts'
import { SeedGraph, type SeedNode } from './seed-graph.ts'

/** A node as it states itself, at the address of its socket. */
export interface SeedingNode {
  readonly peerId: PeerId
  /** Its owner; see `mayChange`. */
  readonly key: string
  readonly host: string
  readonly port: number
  readonly role: PeerRole
  readonly zone?: string | undefined
}

/** What changed between two states of a node; see `docs/endpoints.md`. */
export interface SeedChanges {
  /** The state that the changes start from; undefined when `add` is all that the node seeds. */
  readonly base: number | undefined
  /** The state that they lead to. */
  readonly sequence: number
  readonly remove: readonly SwarmId[]
  /** Applied after `remove`. */
  readonly add: readonly SwarmId[]
}

/**
 * What became of the changes. Only `taken` led to the new state. `refused`: the peer id belongs to another key. `full`:
 * there is no room for the node, which is forgotten.
 */
export type SeedOutcome = 'taken' | 'unknown' | 'late' | 'refused' | 'full'

export interface SeedRegistryInit {
  /**
   * Most nodes, most seeds of all nodes, and most different blobs among them. Beyond it a node of a caller that holds
   * many is forgotten: agents first, the oldest announce first.
   */
  readonly maxNodes: number
  readonly maxSeeds: number
  readonly maxSwarms: number
  /** Most seeds of one node. */
  readonly maxSeedsPerNode: number
}

/** Looks at nodes and seeds, for people. */
export interface SeedInspection {
  /** Swarms with seeds, in order, from this text on or behind it. */
  swarmIds(text?: string, options?: { readonly behind?: boolean }): Iterable<SwarmId>
  /** All that have the blob completely. */
  seedersOf(swarmId: SwarmId): readonly PeerInfo[]
  /** What a node has completely. */
  seedsOf(peerId: PeerId): readonly SwarmId[]
  seedCount(peerId: PeerId): number
}

/**
 * The complete blobs of every node, in memory. A node is kept once, with its address and its number of the last state;
 * each of its seeds costs a link.
 */
export interface SeedEntries {
  /**
   * Brings the node to a new state and renews it for `ttlMs`. Changes are sets, so those of a request whose answer was
   * lost may come again with further ones. `unknown`: this registry does not have the state that they start from, and
   * asks for everything. `late`: the node is already in a later state, or in this one.
   * @throws BODY_INVALID when the node would have too many seeds; it keeps what it had
   */
  announce(node: SeedingNode, changes: SeedChanges, ttlMs: number): SeedOutcome
  /** The last state of the node; 0 when it is not known here. */
  sequenceOf(peerId: PeerId): number
  has(swarmId: SwarmId, peerId: PeerId): boolean
  /** Up to `limit` random seeders of each role. With a zone, so many of that zone, and a few of the others. */
  sample(swarmId: SwarmId, limit: number, zone?: string): readonly SampledPeer[]
  /** How many nodes of this role have the blob. */
  count(swarmId: SwarmId, role: PeerRole): number
  /** Forgets expired nodes. Call it regularly. */
  sweep(): void
  /** All nodes, each with the time that it has left. */
  members(): Iterable<{ readonly node: SeedingNode; readonly ttlMs: number }>
  readonly nodes: number
  readonly seeds: number
  readonly swarms: number
}

export type SeedRegistry = SeedEntries & SeedInspection

interface Node extends SeedNode, Omit<SeedingNode, 'zone'>, AgeLinks<Node> {
  /** As it has stated it. */
  readonly statedZone: string | undefined
  host: string
  port: number
  sequence: number
  expiresAtMs: number
}

export interface SeedRegistryComponents {
  readonly clock: Clock
  readonly random: Random
  /** A node has made room. */
  readonly onEvicted: () => void
}

export function seedRegistry(components: SeedRegistryComponents, init: SeedRegistryInit): SeedRegistry {
  return new Registry(components, init)
}

/** So many nodes of one caller are looked at in search of one that is no origin. */
const LOOKS = 32

class Registry implements SeedRegistry {
  readonly #components: SeedRegistryComponents
  readonly #init: SeedRegistryInit
  readonly #graph = new SeedGraph<Node>()
  readonly #nodes = new Map<PeerId, Node>()
  /** Of each caller, by the last announce. */
  readonly #byHolder = new Map<string, AgeList<Node>>()
  readonly #held = holders()

  constructor(components: SeedRegistryComponents, init: SeedRegistryInit) {
    this.#components = components
    this.#init = init
  }

  announce(stated: SeedingNode, changes: SeedChanges, ttlMs: number): SeedOutcome {
    const found = this.#ownNode(stated)
    if (found === 'taken') return 'refused'
    const known = this.#inPlace(found, stated)
    if (known !== undefined && known.sequence >= changes.sequence) return 'late'
    if (changes.base !== undefined && (known?.sequence ?? 0) < changes.base) return 'unknown'
    this.#assertFits(known, changes)
    const node = this.#renew(known, stated)
    if (changes.base === undefined) this.#graph.clear(node)
    for (const id of changes.remove) this.#graph.unlink(node, id)
    for (const id of changes.add) this.#graph.link(node, id)
    node.sequence = changes.sequence
    node.expiresAtMs = this.#components.clock.monotonicMs() + ttlMs
    return this.#makeRoom(node) ? 'taken' : 'full'
  }

  sequenceOf(peerId: PeerId): number {
    return this.#nodes.get(peerId)?.sequence ?? 0
  }

  has(swarmId: SwarmId, peerId: PeerId): boolean {
    const node = this.#nodes.get(peerId)
    return node !== undefined && this.#graph.has(node, swarmId)
  }

  sample(swarmId: SwarmId, limit: number, zone?: string): readonly SampledPeer[] {
    const nowMs = this.#components.clock.monotonicMs()
    return this.#graph
      .draw(swarmId, { limit, zone }, this.#components.random)
      .filter(({ expiresAtMs }) => expiresAtMs > nowMs)
      .map((node) => ({ ...shown(node), zone: node.zone || undefined }))
  }

  count(swarmId: SwarmId, role: PeerRole): number {
    return this.#graph.count(swarmId, role)
  }

  swarmIds(...where: Parameters<SeedInspection['swarmIds']>): Iterable<SwarmId> {
    return this.#graph.swarmIds(...where)
  }

  seedersOf(swarmId: SwarmId): readonly PeerInfo[] {
    return [...this.#graph.seeders(swarmId)].map(shown)
  }

  seedsOf(peerId: PeerId): readonly SwarmId[] {
    const node = this.#nodes.get(peerId)
    return node === undefined ? [] : this.#graph.seedsOf(node)
  }

  seedCount(peerId: PeerId): number {
    return this.#nodes.get(peerId)?.links.length ?? 0
  }

  sweep(): void {
    const nowMs = this.#components.clock.monotonicMs()
    // Intervals differ a little, so a node in front may live longer than those behind it.
    for (const node of [...this.#nodes.values()]) if (node.expiresAtMs <= nowMs) this.#forget(node)
  }

  *members(): Iterable<{ readonly node: SeedingNode; readonly ttlMs: number }> {
    for (const node of this.#nodes.values()) {
      yield { node, ttlMs: node.expiresAtMs - this.#components.clock.monotonicMs() }
    }
  }

  get nodes(): number {
    return this.#nodes.size
  }

  get seeds(): number {
    return this.#graph.size
  }

  get swarms(): number {
    return this.#graph.swarms
  }

  /** What the caller has announced before; whoever has only taken his peer id is forgotten. */
  #ownNode({ peerId, key }: SeedingNode): Node | 'taken' | undefined {
    const known = this.#nodes.get(peerId)
    if (known === undefined || known.key === key) return known
    if (!mayChange(peerId, key, known.key)) return 'taken'
    this.#forget(known)
    return undefined
  }

  /** What the node has announced where it is now: the links of another role or zone are in other groups. */
  #inPlace(known: Node | undefined, { role, zone }: SeedingNode): Node | undefined {
    if (known === undefined || (known.role === role && known.statedZone === zone)) return known
    this.#forget(known)
    return undefined
  }

  #assertFits(known: Node | undefined, { base, add, remove }: SeedChanges): void {
    const before = base === undefined ? 0 : (known?.links.length ?? 0)
    if (Math.max(0, before - remove.length) + add.length <= this.#init.maxSeedsPerNode) return
    throw appError('BODY_INVALID', { message: `a node has at most ${this.#init.maxSeedsPerNode} seeds` })
  }

  /** The node as it states itself now, as the youngest one of its caller. */
  #renew(known: Node | undefined, stated: SeedingNode): Node {
    const holder = callerAt(stated.host)
    const node = known ?? newNode(stated, holder)
    if (known === undefined) this.#graph.enter(node)
    else this.#release(known)
    this.#graph.reckon(node, holder)
    node.host = stated.host
    node.port = stated.port
    this.#nodes.set(node.peerId, node)
    this.#held.add(holder, 1)
    const nodes = this.#byHolder.get(holder) ?? new AgeList()
    nodes.add(node)
    this.#byHolder.set(holder, nodes)
    return node
  }

  /** The node counts for nobody. */
  #release(node: Node): void {
    this.#held.add(node.holder, -1)
    const nodes = this.#byHolder.get(node.holder)
    nodes?.remove(node)
    if (nodes?.size === 0) this.#byHolder.delete(node.holder)
  }

  /** Who holds more than others of what is beyond its limit. */
  get #crowded(): Holders | undefined {
    const { maxNodes, maxSeeds, maxSwarms } = this.#init
    if (this.#nodes.size > maxNodes) return this.#held
    if (this.#graph.size > maxSeeds) return this.#graph.links
    return this.#graph.swarms > maxSwarms ? this.#graph.founded : undefined
  }

  /** False when the node itself had to go. */
  #makeRoom(newest: Node): boolean {
    for (let crowded = this.#crowded; crowded !== undefined; crowded = this.#crowded) {
      const victim = this.#victimOf(crowded.largest ?? '') ?? newest
      this.#forget(victim)
      this.#components.onEvicted()
      if (victim === newest) return false
    }
    return true
  }

  #victimOf(holder: string): Node | undefined {
    const oldest = this.#byHolder.get(holder)?.oldest
    let node = oldest
    for (let looks = 0; looks < LOOKS && node?.role === 'origin'; looks += 1) node = node.newer
    return node?.role === 'agent' ? node : oldest
  }

  #forget(node: Node): void {
    this.#release(node)
    this.#graph.leave(node)
    this.#nodes.delete(node.peerId)
  }
}

function newNode(stated: SeedingNode, holder: string): Node {
  const fresh = { number: 0, links: new Links(), sequence: 0, expiresAtMs: 0, older: undefined, newer: undefined }
  const { zone, ...rest } = stated
  return { ...rest, statedZone: zone, zone: zone ?? '', holder, ...fresh }
}

const shown = ({ peerId, host, port, role }: Node): PeerInfo => ({ peerId, host, port, role, complete: true })
