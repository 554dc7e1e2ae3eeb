import { holders, OrderedKeys, type Random } from '../../../lib/base/index.ts'
import type { PeerRole, SwarmId } from '../../../lib/core/index.ts'
import { type Draw, ZoneGroups } from '../zone-groups.ts'
import { Links } from './links.ts'
import { Numbered } from './numbered.ts'

/** The part of a node that the graph needs; the graph numbers it and keeps its links. */
export interface SeedNode {
  readonly role: PeerRole
  /** Empty when it names none. In a swarm of too many zones it may be among those that name none. */
  readonly zone: string
  /** The caller that its links count for; changed by the graph. */
  holder: string
  /** Set by the graph. */
  number: number
  readonly links: Links
}

/** The seeders of one swarm in one zone with one role. */
class Seeders extends Links {
  readonly zone: string
  readonly kind: PeerRole

  constructor(zone: string, kind: PeerRole) {
    super()
    this.zone = zone
    this.kind = kind
  }
}

interface Swarm {
  readonly id: SwarmId
  /** The caller that the swarm counts for, as long as anybody seeds it. */
  readonly founder: string
  number: number
  readonly seeders: ZoneGroups<Seeders>
}

/** Who has which blob completely: nodes on one side, swarms on the other. 16 bytes for each link, besides growth. */
export class SeedGraph<N extends SeedNode> {
  readonly #nodes = new Numbered<N>()
  readonly #swarms = new Numbered<Swarm>()
  readonly #byId = new Map<SwarmId, Swarm>()
  readonly #order = new OrderedKeys<SwarmId>()
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

  /** Those, in order, from this text on or behind it. */
  swarmIds(text = '', options: { readonly behind?: boolean } = {}): Iterable<SwarmId> {
    return this.#order.from(text, options)
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
    const seeders = swarm.seeders.at(node.zone, node.role, (zone) => new Seeders(zone, node.role))
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
    let count = 0
    for (const { kind, length } of this.#byId.get(id)?.seeders.all() ?? []) if (kind === role) count += length
    return count
  }

  /** Random seeders. */
  draw(id: SwarmId, draw: Draw, random: Random): readonly N[] {
    const drawn = this.#byId.get(id)?.seeders.draw(draw, random) ?? []
    return drawn.flatMap(({ group, place }) => this.#nodes.at(group.other(place)) ?? [])
  }

  *seeders(id: SwarmId): Iterable<N> {
    for (const group of this.#byId.get(id)?.seeders.all() ?? []) {
      for (let place = 0; place < group.length; place += 1) {
        const node = this.#nodes.at(group.other(place))
        if (node !== undefined) yield node
      }
    }
  }

  #newSwarm(id: SwarmId, founder: string): Swarm {
    const swarm = { id, founder, number: 0, seeders: new ZoneGroups<Seeders>() }
    swarm.number = this.#swarms.add(swarm)
    this.#byId.set(id, swarm)
    this.#order.add(id)
    this.founded.add(founder, 1)
    return swarm
  }

  /** Where the link stands in the node's list, or -1; looks through the shorter of both lists. */
  #placeOf(node: N, swarm: Swarm): number {
    const groups = groupsOf(node, swarm)
    const length = groups.reduce((sum, seeders) => sum + seeders.length, 0)
    if (node.links.length <= length) return node.links.find(swarm.number)
    for (const seeders of groups) {
      const place = seeders.find(node.number)
      if (place >= 0) return seeders.twin(place)
    }
    return -1
  }

  #unlink(node: N, place: number): void {
    const swarm = this.#swarms.at(node.links.other(place))
    const twin = node.links.twin(place)
    const seeders = swarm && groupWith(node, swarm, twin)
    if (swarm === undefined || seeders === undefined) return
    if (seeders.remove(twin)) this.#nodes.at(seeders.other(twin))?.links.setTwin(seeders.twin(twin), twin)
    if (node.links.remove(place)) {
      const moved = this.#swarms.at(node.links.other(place))
      const movedTwin = node.links.twin(place)
      if (moved !== undefined) groupWith(node, moved, movedTwin)?.setTwin(movedTwin, place)
    }
    this.links.add(node.holder, -1)
    if (seeders.length > 0) return
    swarm.seeders.drop(seeders)
    if (swarm.seeders.all().length > 0) return
    this.#byId.delete(swarm.id)
    this.#order.delete(swarm.id)
    this.founded.add(swarm.founder, -1)
    this.#swarms.remove(swarm.number)
  }
}

/** Where a swarm may have the node: in its zone, or with those of none, where a swarm has its zones beyond the limit. */
const groupsOf = ({ zone, role }: SeedNode, { seeders }: Swarm): readonly Seeders[] =>
  [...new Set([seeders.find(zone, role), seeders.find('', role)])].filter((group) => group !== undefined)

/** The one that has the node at this place. */
const groupWith = (node: SeedNode, swarm: Swarm, place: number): Seeders | undefined =>
  groupsOf(node, swarm).find((group) => place < group.length && group.other(place) === node.number)
