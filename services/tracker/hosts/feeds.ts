import { type AgeLinks, AgeList, type Clock } from '../../../lib/base/index.ts'
import type { PeerId, SwarmId } from '../../../lib/core/index.ts'

/** What one peer got from another in one swarm, as the receiver reports it. */
export interface Feed {
  readonly from: PeerId
  readonly to: PeerId
  /** Since the receiver has reported this sender. */
  readonly bytes: number
  /** Between the last two reports. */
  readonly bytesPerSecond: number
  readonly failures: number
}

/** Who feeds whom. The feeds that were reported longest ago are forgotten beyond a total. */
export interface Feeds {
  /** `to` tells what it received from `from` since its last report. */
  reported(swarmId: SwarmId, report: Omit<Feed, 'bytesPerSecond'>): void
  of(swarmId: SwarmId): readonly Feed[]
  /** What the node gets and gives in all swarms together, in bytes per second. */
  ratesOf(peerId: PeerId): { readonly in: number; readonly out: number }
  forget(swarmId: SwarmId): void
}

interface Entry extends AgeLinks<Entry> {
  readonly swarmId: SwarmId
  readonly from: PeerId
  readonly to: PeerId
  bytes: number
  bytesPerSecond: number
  failures: number
  atMs: number
}

/** A feed that was not reported for so long has ended. */
const STALE_MS = 300_000
/** Reports closer together than this say nothing about a rate. */
const SHORTEST_MS = 1_000

export function feeds(clock: Pick<Clock, 'monotonicMs'>, { maxFeeds }: { readonly maxFeeds: number }): Feeds {
  const bySwarm = new Map<SwarmId, Map<string, Entry>>()
  const byPeer = new Map<PeerId, Set<Entry>>()
  const byAge = new AgeList<Entry>()

  const remember = (peerId: PeerId, entry: Entry) => {
    const known = byPeer.get(peerId) ?? new Set()
    byPeer.set(peerId, known.add(entry))
  }
  const unlink = (peerId: PeerId, entry: Entry) => {
    const known = byPeer.get(peerId)
    known?.delete(entry)
    if (known?.size === 0) byPeer.delete(peerId)
  }
  const drop = (entry: Entry) => {
    byAge.remove(entry)
    const swarm = bySwarm.get(entry.swarmId)
    swarm?.delete(entry.from + entry.to)
    if (swarm?.size === 0) bySwarm.delete(entry.swarmId)
    unlink(entry.from, entry)
    unlink(entry.to, entry)
  }
  const expire = () => {
    const beforeMs = clock.monotonicMs() - STALE_MS
    for (let entry = byAge.oldest; entry !== undefined && entry.atMs < beforeMs; entry = byAge.oldest) drop(entry)
  }
  const made = (swarmId: SwarmId, { from, to }: Pick<Feed, 'from' | 'to'>): Entry => {
    const fresh = { bytes: 0, bytesPerSecond: 0, failures: 0, atMs: clock.monotonicMs() }
    const entry: Entry = { swarmId, from, to, ...fresh, older: undefined, newer: undefined }
    const swarm = bySwarm.get(swarmId) ?? new Map<string, Entry>()
    bySwarm.set(swarmId, swarm.set(from + to, entry))
    remember(from, entry)
    remember(to, entry)
    byAge.add(entry)
    return entry
  }
  const told = ({ from, to, bytes, bytesPerSecond, failures }: Entry): Feed => ({
    ...{ from, to, bytes, bytesPerSecond, failures },
  })

  return {
    reported(swarmId, report) {
      expire()
      const known = bySwarm.get(swarmId)?.get(report.from + report.to)
      const entry = known ?? made(swarmId, report)
      const nowMs = clock.monotonicMs()
      const spanMs = nowMs - entry.atMs
      if (spanMs >= SHORTEST_MS) entry.bytesPerSecond = Math.round((report.bytes / spanMs) * 1000)
      entry.bytes += report.bytes
      entry.failures += report.failures
      entry.atMs = nowMs
      byAge.remove(entry)
      byAge.add(entry)
      if (byAge.size > maxFeeds && byAge.oldest !== undefined) drop(byAge.oldest)
    },
    of(swarmId) {
      expire()
      return [...(bySwarm.get(swarmId)?.values() ?? [])].map(told)
    },
    ratesOf(peerId) {
      expire()
      let [into, out] = [0, 0]
      for (const { from, bytesPerSecond } of byPeer.get(peerId) ?? []) {
        if (from === peerId) out += bytesPerSecond
        else into += bytesPerSecond
      }
      return { in: into, out }
    },
    forget(swarmId) {
      for (const entry of [...(bySwarm.get(swarmId)?.values() ?? [])]) drop(entry)
    },
  }
}
