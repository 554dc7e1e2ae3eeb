import { holders } from '../../../lib/base/index.ts'
import type { PeerRole, SwarmId } from '../../../lib/core/index.ts'
import { Links } from './links.ts'
import { Numbered } from './numbered.ts'

/** The part of a node that the graph needs; the graph numbers it and keeps its links. */
export interface SeedNode {
  readonly role: PeerRole
  /** The caller that its links count for; changed by the graph. */
  holder: string
  /** Set by the graph. */
  number: number
  readonly links: Links
}

interface Swarm {
  readonly id: SwarmId
  /** The caller that the swarm counts for, as long as anybody seeds it. */
  readonly founder: string
  number: number
  readonly seeders: Readonly<Record<PeerRole, Links>>
}

/** Who has which blob completely: nodes on one side, swarms on the other. 16 bytes for each link, besides growth. */
export class SeedGraph<N extends SeedNode> {
  readonly #nodes = new Numbered<N>()
  readonly #swarms = new Numbered<Swarm>()
  readonly #byId = new Map<SwarmId, Swarm>()
  /** Links, and the swarms that they began, by caller. */
  readonly links = holders()
  readonly founded = holders()

  /** Number of links. */
  get size(): number {
    return this.links.total
  }

  /** Swarms with at least one seeder. */
  get swarms(): number {
    return this.#byId.size
  }

  swarmIds(): Iterable<SwarmId> {
    return this.#byId.keys()
  }

  /** The swarms that the node seeds. */
  seedsOf(node: N): readonly SwarmId[] {
    return Array.from({ length: node.links.length }, (_, place) => this.#swarms.at(node.links.other(place))).flatMap(
      (swarm) => swarm?.id ?? [],
    )
  }

  enter(node: N): void {
    node.number = this.#nodes.add(node)
  }

  /** From now on the links of the node count for this caller. */
  reckon(node: N, holder: string): void {
    this.links.add(node.holder, -node.links.length)
    this.links.add(holder, node.links.length)
    node.holder = holder
  }

  /** Removes the node with all its links. */
  leave(node: N): void {
    this.clear(node)
    this.#nodes.remove(node.number)
  }

  /** Removes all links of the node. */
  clear(node: N): void {
    while (node.links.length > 0) this.#unlink(node, node.links.length - 1)
  }

  /** Adds a link, once. */
  link(node: N, id: SwarmId): void {
    const swarm = this.#byId.get(id) ?? this.#newSwarm(id, node.holder)
    if (this.#placeOf(node, swarm) >= 0) return
    const seeders = swarm.seeders[node.role]
    seeders.push(node.number, node.links.length)
    node.links.push(swarm.number, seeders.length - 1)
    this.links.add(node.holder, 1)
  }

  /** Removes a link, if there is one. */
  unlink(node: N, id: SwarmId): void {
    const swarm = this.#byId.get(id)
    const place = swarm === undefined ? -1 : this.#placeOf(node, swarm)
    if (place >= 0) this.#unlink(node, place)
  }

  has(node: N, id: SwarmId): boolean {
    const swarm = this.#byId.get(id)
    return swarm !== undefined && this.#placeOf(node, swarm) >= 0
  }

  /** How many nodes of this role have the blob. */
  count(id: SwarmId, role: PeerRole): number {
    return this.#byId.get(id)?.seeders[role].length ?? 0
  }

  /** The seeder at one of the `count` places; the places change with every link. */
  seeder(id: SwarmId, role: PeerRole, place: number): N | undefined {
    const seeders = this.#byId.get(id)?.seeders[role]
    return seeders === undefined || place >= seeders.length ? undefined : this.#nodes.at(seeders.other(place))
  }

  #newSwarm(id: SwarmId, founder: string): Swarm {
    const swarm = { id, founder, number: 0, seeders: { agent: new Links(), origin: new Links() } }
    swarm.number = this.#swarms.add(swarm)
    this.#byId.set(id, swarm)
    this.founded.add(founder, 1)
    return swarm
  }

  /** Where the link stands in the node's list, or -1; looks through the shorter of both lists. */
  #placeOf(node: N, swarm: Swarm): number {
    const seeders = swarm.seeders[node.role]
    if (node.links.length <= seeders.length) return node.links.find(swarm.number)
    const place = seeders.find(node.number)
    return place < 0 ? -1 : seeders.twin(place)
  }

  #unlink(node: N, place: number): void {
    const swarm = this.#swarms.at(node.links.other(place))
    if (swarm === undefined) return
    const seeders = swarm.seeders[node.role]
    const twin = node.links.twin(place)
    if (seeders.remove(twin)) this.#nodes.at(seeders.other(twin))?.links.setTwin(seeders.twin(twin), twin)
    if (node.links.remove(place)) {
      const moved = this.#swarms.at(node.links.other(place))
      moved?.seeders[node.role].setTwin(node.links.twin(place), place)
    }
    this.links.add(node.holder, -1)
    if (swarm.seeders.agent.length + swarm.seeders.origin.length > 0) return
    this.#byId.delete(swarm.id)
    this.founded.add(swarm.founder, -1)
    this.#swarms.remove(swarm.number)
  }
}
