import type { AgeLinks, Random } from '../../lib/base/index.ts'
import type { PeerId, PeerInfo, SwarmId } from '../../lib/core/index.ts'
import { callerAt } from '../../lib/identity/index.ts'
import { mayChange } from './owner.ts'
import { type Draw, pickAcross, type ZoneGroup, ZoneGroups } from './zone-groups.ts'

/** What a peer states about itself in one swarm. */
export interface PeerEntry extends PeerInfo {
  /** Its owner; see `mayChange`. */
  readonly key: string
  readonly zone?: string | undefined
}

/** A peer that may be named, with what it has told about the blob. */
export interface SampledPeer extends PeerInfo {
  readonly zone?: string | undefined
  /** The share of the blob that it has, if it is not complete and this is known. */
  readonly have?: number | undefined
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
  has(peerId: PeerId): boolean
  /** Random peers of each kind that have not expired: agents with the whole blob, agents without it, origins. */
  sample(draw: Draw, nowMs: number): readonly SampledPeer[]
  readonly counts: { readonly complete: number; readonly incomplete: number }
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

interface SlotGroup extends ZoneGroup {
  readonly slots: GroupedSlot[]
}

interface GroupedSlot extends Slot {
  readonly group: SlotGroup
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

/** Groups by zone and kind, each sampled without a look at all peers, and an order by age for expiry and eviction. */
class GroupedSwarm implements Swarm {
  readonly id: SwarmId
  readonly #init: SwarmInit
  readonly #groups = new ZoneGroups<SlotGroup>()
  /** The most that anybody has lacked: probably the whole blob. */
  #mostLeft = 0
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
    const group = this.#groups.at(entry.zone ?? '', kindOf(entry), (zone) => newGroup(zone, kindOf(entry)))
    this.#mostLeft = Math.max(this.#mostLeft, leftBytes ?? 0)
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
    group.slots.push(slot)
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

  has(peerId: PeerId): boolean {
    return this.#byId.has(peerId)
  }

  sample(draw: Draw, nowMs: number): readonly SampledPeer[] {
    return this.#groups
      .draw(draw, this.#init.random)
      .flatMap(({ group, place }) => group.slots[place] ?? [])
      .filter(({ expiresAtMs }) => expiresAtMs > nowMs)
      .map(({ entry: { peerId, host, port, role, complete, zone, infoHash }, leftBytes }) => {
        const have = complete || leftBytes === undefined ? undefined : 1 - leftBytes / Math.max(1, this.#mostLeft)
        const sampled = { peerId, host, port, role, complete, zone, have }
        return infoHash === undefined ? sampled : { ...sampled, infoHash }
      })
  }

  get counts(): { readonly complete: number; readonly incomplete: number } {
    const origins = this.#groups.all().flatMap(({ kind, slots }) => (kind === 'origin' ? slots : []))
    const completeAgents = this.#groups.all().filter(({ kind }) => kind === 'complete')
    const complete =
      completeAgents.reduce((sum, { length }) => sum + length, 0) + origins.filter(({ entry }) => entry.complete).length
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

  /**
   * The oldest of the entries of one caller: of the one that has most among the oldest entry, some random ones and the
   * one that is to come.
   */
  #crowding(newcomer: string): GroupedSlot | undefined {
    const [oldest] = this.#byId.values()
    const some = pickAcross(this.#groups.all(), LOOKS, this.#init.random)
    const looked = new Set([oldest, ...some.map(({ group, place }) => group.slots[place])])
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
    const { group, at } = slot
    const last = group.slots.pop()
    if (last !== undefined && last !== slot) {
      group.slots[at] = last
      last.at = at
    }
    if (group.length === 0) this.#groups.drop(group)
    this.#byId.delete(slot.entry.peerId)
    this.#init.watcher.dropped(slot)
  }
}

const kindOf = ({ role, complete }: PeerEntry): string => {
  if (role === 'origin') return 'origin'
  return complete ? 'complete' : 'incomplete'
}

function newGroup(zone: string, kind: string): SlotGroup {
  const slots: GroupedSlot[] = []
  return {
    zone,
    kind,
    slots,
    get length() {
      return slots.length
    },
  }
}
