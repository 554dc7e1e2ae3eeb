import type { Random } from '../../lib/base/index.ts'
import type { PeerId, PeerInfo } from '../../lib/core/index.ts'

/** What a peer says of itself in one swarm. */
export interface PeerEntry extends PeerInfo {
  /** Whoever brings the same peer id and key speaks for the entry. */
  readonly key: string
}

/** The peers of one blob. */
export interface Swarm {
  /** Adds or renews; what stood at the same address goes. False when the peer id belongs to another key. */
  put(entry: PeerEntry, expiresAtMs: number): boolean
  /** False when it belongs to another key. */
  remove(peerId: PeerId, key: string): boolean
  /** Up to `limit` random ones of each kind that have not expired. */
  sample(limit: number, nowMs: number): readonly PeerInfo[]
  counts(): { readonly complete: number; readonly incomplete: number }
  /** Drops expired entries, those that announced least lately first; returns how many. */
  sweep(nowMs: number): number
  readonly size: number
}

interface Slot {
  readonly entry: PeerEntry
  readonly expiresAtMs: number
  readonly group: Slot[]
  /** Where in the group it stands. */
  at: number
}

/** Three groups that can be sampled without looking at all of them, and an order of age to expire and evict by. */
export function swarm(random: Random, maxPeers: number): Swarm {
  const completeAgents: Slot[] = []
  const incompleteAgents: Slot[] = []
  const origins: Slot[] = []
  /** Least lately announced first. */
  const byId = new Map<PeerId, Slot>()
  const byAddress = new Map<string, Slot>()

  const groupOf = ({ role, complete }: PeerEntry) => {
    if (role === 'origin') return origins
    return complete ? completeAgents : incompleteAgents
  }

  const drop = (slot: Slot) => {
    const last = slot.group.pop()
    if (last !== undefined && last !== slot) {
      slot.group[slot.at] = last
      last.at = slot.at
    }
    byId.delete(slot.entry.peerId)
    const address = addressOf(slot.entry)
    if (byAddress.get(address) === slot) byAddress.delete(address)
  }

  const dropIfAny = (slot: Slot | undefined) => {
    if (slot !== undefined) drop(slot)
  }

  const sampleOf = (group: readonly Slot[], limit: number, nowMs: number): PeerInfo[] => {
    const live = pick(group, limit, random).filter(({ expiresAtMs }) => expiresAtMs > nowMs)
    return live.map(({ entry: { peerId, host, port, role, complete } }) => ({ peerId, host, port, role, complete }))
  }

  return {
    put(entry, expiresAtMs) {
      const known = byId.get(entry.peerId)
      if (known !== undefined && known.entry.key !== entry.key) return false
      dropIfAny(known)
      dropIfAny(byAddress.get(addressOf(entry)))
      if (byId.size >= maxPeers) dropIfAny(byId.values().next().value)
      const group = groupOf(entry)
      const slot = { entry, expiresAtMs, group, at: group.length }
      group.push(slot)
      byId.set(entry.peerId, slot)
      byAddress.set(addressOf(entry), slot)
      return true
    },
    remove(peerId, key) {
      const known = byId.get(peerId)
      if (known !== undefined && known.entry.key !== key) return false
      dropIfAny(known)
      return true
    },
    sample: (limit, nowMs) =>
      [completeAgents, incompleteAgents, origins].flatMap((group) => sampleOf(group, limit, nowMs)),
    counts() {
      const completeOrigins = origins.filter(({ entry }) => entry.complete).length
      const complete = completeAgents.length + completeOrigins
      return { complete, incomplete: byId.size - complete }
    },
    sweep(nowMs) {
      const before = byId.size
      for (const slot of byId.values()) {
        if (slot.expiresAtMs > nowMs) break
        drop(slot)
      }
      return before - byId.size
    },
    get size() {
      return byId.size
    },
  }
}

function addressOf({ host, port }: PeerInfo): string {
  return `${host} ${port}`
}

/** Up to `limit` different ones, each with the same chance: the first steps of a Fisher-Yates shuffle, kept sparse. */
function pick(group: readonly Slot[], limit: number, random: Random): Slot[] {
  if (group.length <= limit) return [...group]
  const moved = new Map<number, number>()
  const out: Slot[] = []
  for (let i = 0; i < limit; i += 1) {
    const j = i + Math.floor(random.next() * (group.length - i))
    const slot = group[moved.get(j) ?? j]
    moved.set(j, moved.get(i) ?? i)
    if (slot !== undefined) out.push(slot)
  }
  return out
}
