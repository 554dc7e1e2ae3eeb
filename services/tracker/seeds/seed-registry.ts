import { appError, type Clock, type Random } from '../../../lib/base/index.ts'
import type { PeerId, PeerInfo, PeerRole, SwarmId } from '../../../lib/core/index.ts'
import { pick } from '../pick.ts'
import { Links } from './links.ts'
import { SeedGraph, type SeedNode } from './seed-graph.ts'

/** A node as it states itself, at the address of its socket. */
export interface SeedingNode {
  readonly peerId: PeerId
  /** A caller with the same peer id and key may change what the node seeds. */
  readonly key: string
  readonly host: string
  readonly port: number
  readonly role: PeerRole
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

/** What became of the changes. Only `taken` led to the new state; `refused`: the peer id belongs to another key. */
export type SeedOutcome = 'taken' | 'unknown' | 'late' | 'refused'

export interface SeedRegistryInit {
  /** Most nodes, and most seeds of all nodes; beyond it the node whose last announce is oldest is forgotten. */
  readonly maxNodes: number
  readonly maxSeeds: number
  /** Most seeds of one node. */
  readonly maxSeedsPerNode: number
}

/**
 * The complete blobs of every node, in memory. A node is kept once, with its address and its number of the last state;
 * each of its seeds costs a link.
 */
export interface SeedRegistry {
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
  /** Up to `limit` random seeders of each role. */
  sample(swarmId: SwarmId, limit: number): readonly PeerInfo[]
  count(swarmId: SwarmId): number
  /** Forgets expired nodes. Call it regularly. */
  sweep(): void
  readonly nodes: number
  readonly seeds: number
  readonly swarms: number
}

interface Node extends SeedNode, SeedingNode {
  host: string
  port: number
  sequence: number
  expiresAtMs: number
}

export interface SeedRegistryComponents {
  readonly clock: Clock
  readonly random: Random
}

export function seedRegistry(components: SeedRegistryComponents, init: SeedRegistryInit): SeedRegistry {
  return new Registry(components, init)
}

const roles = ['agent', 'origin'] as const

class Registry implements SeedRegistry {
  readonly #components: SeedRegistryComponents
  readonly #init: SeedRegistryInit
  readonly #graph = new SeedGraph<Node>()
  /** Ordered by the last announce, oldest first. */
  readonly #nodes = new Map<PeerId, Node>()
  readonly #byAddress = new Map<string, Node>()

  constructor(components: SeedRegistryComponents, init: SeedRegistryInit) {
    this.#components = components
    this.#init = init
  }

  announce(stated: SeedingNode, changes: SeedChanges, ttlMs: number): SeedOutcome {
    const known = this.#nodes.get(stated.peerId)
    if (known !== undefined && known.key !== stated.key) return 'refused'
    if (known !== undefined && known.sequence >= changes.sequence) return 'late'
    if (changes.base !== undefined && (known?.sequence ?? 0) < changes.base) return 'unknown'
    this.#assertFits(known, changes)
    const node = this.#renew(known, stated)
    if (changes.base === undefined) this.#graph.clear(node)
    for (const id of changes.remove) this.#graph.unlink(node, id)
    for (const id of changes.add) this.#graph.link(node, id)
    node.sequence = changes.sequence
    node.expiresAtMs = this.#components.clock.monotonicMs() + ttlMs
    this.#makeRoom(node)
    return 'taken'
  }

  sequenceOf(peerId: PeerId): number {
    return this.#nodes.get(peerId)?.sequence ?? 0
  }

  has(swarmId: SwarmId, peerId: PeerId): boolean {
    const node = this.#nodes.get(peerId)
    return node !== undefined && this.#graph.has(node, swarmId)
  }

  sample(swarmId: SwarmId, limit: number): readonly PeerInfo[] {
    const nowMs = this.#components.clock.monotonicMs()
    return roles.flatMap((role) =>
      pick(this.#graph.count(swarmId, role), limit, this.#components.random).flatMap((place) => {
        const node = this.#graph.seeder(swarmId, role, place)
        if (node === undefined || node.expiresAtMs <= nowMs) return []
        const { peerId, host, port } = node
        return [{ peerId, host, port, role, complete: true }]
      }),
    )
  }

  count(swarmId: SwarmId): number {
    return this.#graph.count(swarmId, 'agent') + this.#graph.count(swarmId, 'origin')
  }

  sweep(): void {
    const nowMs = this.#components.clock.monotonicMs()
    // Intervals differ a little, so a node in front may live longer than those behind it.
    for (const node of [...this.#nodes.values()]) if (node.expiresAtMs <= nowMs) this.#forget(node)
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

  #assertFits(known: Node | undefined, { base, add, remove }: SeedChanges): void {
    const before = base === undefined ? 0 : (known?.links.length ?? 0)
    if (Math.max(0, before - remove.length) + add.length <= this.#init.maxSeedsPerNode) return
    throw appError('BODY_INVALID', { message: `a node has at most ${this.#init.maxSeedsPerNode} seeds` })
  }

  /** The node as it states itself now, as the youngest one. Whoever was at its address before is gone. */
  #renew(known: Node | undefined, stated: SeedingNode): Node {
    const before = this.#byAddress.get(addressOf(stated))
    if (before !== undefined && before !== known) this.#forget(before)
    const kept = known?.role === stated.role ? known : undefined
    if (known !== undefined && kept === undefined) this.#forget(known)
    const node = kept ?? { ...stated, number: 0, links: new Links(), sequence: 0, expiresAtMs: 0 }
    if (kept === undefined) this.#graph.enter(node)
    else this.#byAddress.delete(addressOf(kept))
    node.host = stated.host
    node.port = stated.port
    this.#byAddress.set(addressOf(node), node)
    this.#nodes.delete(node.peerId)
    this.#nodes.set(node.peerId, node)
    return node
  }

  #makeRoom(kept: Node): void {
    for (const node of this.#nodes.values()) {
      const { maxNodes, maxSeeds } = this.#init
      if (node === kept || (this.#nodes.size <= maxNodes && this.#graph.size <= maxSeeds)) return
      this.#forget(node)
    }
  }

  #forget(node: Node): void {
    this.#graph.leave(node)
    this.#nodes.delete(node.peerId)
    this.#byAddress.delete(addressOf(node))
  }
}

function addressOf({ host, port }: Pick<SeedingNode, 'host' | 'port'>): string {
  return `${host} ${port}`
}
