import type { AgeLinks, Random } from '../../lib/base/index.ts'
import type { PeerId, PeerInfo, SwarmId } from '../../lib/core/index.ts'
import { callerAt } from '../../lib/identity/index.ts'
import { mayChange } from './owner.ts'
import { pick } from './pick.ts'

/** What a peer states about itself in one swarm. */
export interface PeerEntry extends PeerInfo {
  /** Its owner; see `mayChange`. */
  readonly key: string
}

/** One entry of a swarm, as its owner sees it. A renewed entry has a new slot. */
export interface Slot extends AgeLinks<Slot> {
  readonly swarm: Swarm
  readonly entry: PeerEntry
  /** The caller that the entry counts for. */
  readonly holder: string
  readonly expiresAtMs: number
  /** What it lacks, if it has said so. */
  readonly leftBytes: number | undefined
  /** Where `HeldSlots` keeps it. */
  rank: 0 | 1 | 2 | 3
}

/** Hears of every slot when it comes and when it goes. */
export interface SlotWatcher {
  added(slot: Slot): void
  dropped(slot: Slot): void
}

/** The peers of one blob. */
export interface Swarm {
  readonly id: SwarmId
  /**
   * Adds or renews. False, and nothing changes, when the peer id belongs to another key. In a full swarm, an entry of a
   * caller with many of them makes room, the oldest announce first.
   */
  put(entry: PeerEntry, expiresAtMs: number, leftBytes?: number): boolean
  /** Removes an entry. False when the peer id belongs to another key. */
  remove(peerId: PeerId, key: string): boolean
  /** Up to `limit` random peers of each kind that have not expired. */
  sample(limit: number, nowMs: number): readonly PeerInfo[]
  counts(): { readonly complete: number; readonly incomplete: number }
  /** Drops expired entries, the oldest announce first; returns how many. */
  sweep(nowMs: number): number
  /** Removes one entry. */
  drop(slot: Slot): void
  /** Removes all entries. */
  clear(): void
  /** All entries, the oldest announce first. */
  readonly slots: Iterable<Slot>
  readonly size: number
}

interface GroupedSlot extends Slot {
  readonly group: GroupedSlot[]
  /** Index of the slot in its group. */
  at: number
}

export interface SwarmInit {
  readonly random: Random
  readonly maxPeers: number
  readonly watcher: SlotWatcher
}

export function swarm(id: SwarmId, init: SwarmInit): Swarm {
  return new GroupedSwarm(id, init)
}

/** In a full swarm so many entries are looked at, to find out whose are many. */
const LOOKS = 16

/** Three groups, each sampled without a look at all peers, and an order by age for expiry and eviction. */
class GroupedSwarm implements Swarm {
  readonly id: SwarmId
  readonly #init: SwarmInit
  readonly #completeAgents: GroupedSlot[] = []
  readonly #incompleteAgents: GroupedSlot[] = []
  readonly #origins: GroupedSlot[] = []
  /** Ordered by the last announce, oldest first. */
  readonly #byId = new Map<PeerId, GroupedSlot>()

  constructor(id: SwarmId, init: SwarmInit) {
    this.id = id
    this.#init = init
  }

  put(entry: PeerEntry, expiresAtMs: number, leftBytes?: number): boolean {
    const known = this.#byId.get(entry.peerId)
    if (known !== undefined && !mayChange(entry.peerId, entry.key, known.entry.key)) return false
    this.#drop(known)
    const holder = callerAt(entry.host)
    if (this.#byId.size >= this.#init.maxPeers) this.#drop(this.#crowding(holder))
    const group = this.#groupOf(entry)
    const slot: GroupedSlot = {
      swarm: this,
      entry,
      holder,
      expiresAtMs,
      leftBytes,
      rank: 0,
      group,
      at: group.length,
      older: undefined,
      newer: undefined,
    }
    group.push(slot)
    this.#byId.set(entry.peerId, slot)
    this.#init.watcher.added(slot)
    return true
  }

  remove(peerId: PeerId, key: string): boolean {
    const known = this.#byId.get(peerId)
    if (known !== undefined && !mayChange(peerId, key, known.entry.key)) return false
    this.#drop(known)
    return true
  }

  sample(limit: number, nowMs: number): readonly PeerInfo[] {
    return [this.#completeAgents, this.#incompleteAgents, this.#origins]
      .flatMap((group) => pick(group.length, limit, this.#init.random).flatMap((at) => group[at] ?? []))
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

  drop(slot: Slot): void {
    this.#drop(this.#byId.get(slot.entry.peerId))
  }

  clear(): void {
    for (const slot of this.#byId.values()) this.#drop(slot)
  }

  get slots(): Iterable<Slot> {
    return this.#byId.values()
  }

  get size(): number {
    return this.#byId.size
  }

  #groupOf({ role, complete }: PeerEntry): GroupedSlot[] {
    if (role === 'origin') return this.#origins
    return complete ? this.#completeAgents : this.#incompleteAgents
  }

  /**
   * The oldest of the entries of one caller: of the one that has most among the oldest entry, some random ones and the
   * one that is to come.
   */
  #crowding(newcomer: string): GroupedSlot | undefined {
    const groups = [this.#completeAgents, this.#incompleteAgents, this.#origins]
    const at = (place: number) => {
      let left = place
      for (const group of groups) {
        if (left < group.length) return group[left]
        left -= group.length
      }
      return undefined
    }
    const [oldest] = this.#byId.values()
    const looked = new Set([oldest, ...pick(this.size, LOOKS, this.#init.random).map(at)])
    const counts = new Map([[newcomer, 1]])
    for (const slot of looked) if (slot !== undefined) counts.set(slot.holder, (counts.get(slot.holder) ?? 0) + 1)
    let found: GroupedSlot | undefined
    const countOf = (slot: Slot | undefined) => (slot === undefined ? 0 : (counts.get(slot.holder) ?? 0))
    for (const slot of looked) {
      if (slot === undefined || countOf(slot) < countOf(found)) continue
      if (countOf(slot) > countOf(found) || slot.expiresAtMs < (found?.expiresAtMs ?? 0)) found = slot
    }
    return found
  }

  /** Removes a slot; the last slot of the group takes its place. */
  #drop(slot: GroupedSlot | undefined): void {
    if (slot === undefined) return
    const last = slot.group.pop()
    if (last !== undefined && last !== slot) {
      slot.group[slot.at] = last
      last.at = slot.at
    }
    this.#byId.delete(slot.entry.peerId)
    this.#init.watcher.dropped(slot)
  }
}
