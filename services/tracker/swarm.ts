import type { Random } from '../../lib/base/index.ts'
import type { PeerId, PeerInfo } from '../../lib/core/index.ts'
import { pick } from './pick.ts'

/** What a peer states about itself in one swarm. */
export interface PeerEntry extends PeerInfo {
  /** A caller with the same peer id and key may change the entry. */
  readonly key: string
}

/** The peers of one blob. */
export interface Swarm {
  /** Adds or renews; an entry with the same address is removed. False when the peer id belongs to another key. */
  put(entry: PeerEntry, expiresAtMs: number): boolean
  /** Removes an entry. False when the peer id belongs to another key. */
  remove(peerId: PeerId, key: string): boolean
  /** Up to `limit` random peers of each kind that have not expired. */
  sample(limit: number, nowMs: number): readonly PeerInfo[]
  counts(): { readonly complete: number; readonly incomplete: number }
  /** Drops expired entries, the oldest announce first; returns how many. */
  sweep(nowMs: number): number
  readonly size: number
}

interface Slot {
  readonly entry: PeerEntry
  readonly expiresAtMs: number
  readonly group: Slot[]
  /** Index of the slot in its group. */
  at: number
}

export function swarm(random: Random, maxPeers: number): Swarm {
  return new GroupedSwarm(random, maxPeers)
}

/** Three groups, each sampled without a look at all peers, and an order by age for expiry and eviction. */
class GroupedSwarm implements Swarm {
  readonly #random: Random
  readonly #maxPeers: number
  readonly #completeAgents: Slot[] = []
  readonly #incompleteAgents: Slot[] = []
  readonly #origins: Slot[] = []
  /** Ordered by the last announce, oldest first. */
  readonly #byId = new Map<PeerId, Slot>()
  readonly #byAddress = new Map<string, Slot>()

  constructor(random: Random, maxPeers: number) {
    this.#random = random
    this.#maxPeers = maxPeers
  }

  put(entry: PeerEntry, expiresAtMs: number): boolean {
    const known = this.#byId.get(entry.peerId)
    if (known !== undefined && known.entry.key !== entry.key) return false
    this.#drop(known)
    this.#drop(this.#byAddress.get(addressOf(entry)))
    if (this.#byId.size >= this.#maxPeers) this.#drop(this.#byId.values().next().value)
    const group = this.#groupOf(entry)
    const slot = { entry, expiresAtMs, group, at: group.length }
    group.push(slot)
    this.#byId.set(entry.peerId, slot)
    this.#byAddress.set(addressOf(entry), slot)
    return true
  }

  remove(peerId: PeerId, key: string): boolean {
    const known = this.#byId.get(peerId)
    if (known !== undefined && known.entry.key !== key) return false
    this.#drop(known)
    return true
  }

  sample(limit: number, nowMs: number): readonly PeerInfo[] {
    return [this.#completeAgents, this.#incompleteAgents, this.#origins]
      .flatMap((group) => pick(group.length, limit, this.#random).flatMap((at) => group[at] ?? []))
      .filter(({ expiresAtMs }) => expiresAtMs > nowMs)
      .map(({ entry: { peerId, host, port, role, complete } }) => ({ peerId, host, port, role, complete }))
  }

  counts(): { readonly complete: number; readonly incomplete: number } {
    const completeOrigins = this.#origins.filter(({ entry }) => entry.complete).length
    const complete = this.#completeAgents.length + completeOrigins
    return { complete, incomplete: this.size - complete }
  }

  sweep(nowMs: number): number {
    const before = this.size
    for (const slot of this.#byId.values()) {
      if (slot.expiresAtMs > nowMs) break
      this.#drop(slot)
    }
    return before - this.size
  }

  get size(): number {
    return this.#byId.size
  }

  #groupOf({ role, complete }: PeerEntry): Slot[] {
    if (role === 'origin') return this.#origins
    return complete ? this.#completeAgents : this.#incompleteAgents
  }

  /** Removes a slot; the last slot of the group takes its place. */
  #drop(slot: Slot | undefined): void {
    if (slot === undefined) return
    const last = slot.group.pop()
    if (last !== undefined && last !== slot) {
      slot.group[slot.at] = last
      last.at = slot.at
    }
    this.#byId.delete(slot.entry.peerId)
    const address = addressOf(slot.entry)
    if (this.#byAddress.get(address) === slot) this.#byAddress.delete(address)
  }
}

function addressOf({ host, port }: PeerInfo): string {
  return `${host} ${port}`
}
