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

export function feeds(clock: Pick<Clock, 'monotonicMs'>, init: { readonly maxFeeds: number }): Feeds {
  return new FeedTable(clock, init.maxFeeds)
}

class FeedTable implements Feeds {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #maxFeeds: number
  readonly #bySwarm = new Map<SwarmId, Map<string, Entry>>()
  readonly #byPeer = new Map<PeerId, Set<Entry>>()
  readonly #byAge = new AgeList<Entry>()

  constructor(clock: Pick<Clock, 'monotonicMs'>, maxFeeds: number) {
    this.#clock = clock
    this.#maxFeeds = maxFeeds
  }

  reported(swarmId: SwarmId, report: Omit<Feed, 'bytesPerSecond'>): void {
    this.#expire()
    const entry = this.#bySwarm.get(swarmId)?.get(report.from + report.to) ?? this.#enter(swarmId, report)
    const nowMs = this.#clock.monotonicMs()
    const spanMs = nowMs - entry.atMs
    if (spanMs >= SHORTEST_MS) entry.bytesPerSecond = Math.round((report.bytes / spanMs) * 1000)
    entry.bytes += report.bytes
    entry.failures += report.failures
    entry.atMs = nowMs
    this.#byAge.remove(entry)
    this.#byAge.add(entry)
    if (this.#byAge.size > this.#maxFeeds) this.#drop(this.#byAge.oldest)
  }

  of(swarmId: SwarmId): readonly Feed[] {
    this.#expire()
    const entries = [...(this.#bySwarm.get(swarmId)?.values() ?? [])]
    return entries.map(({ from, to, bytes, bytesPerSecond, failures }) => ({
      from,
      to,
      bytes,
      bytesPerSecond,
      failures,
    }))
  }

  ratesOf(peerId: PeerId): { readonly in: number; readonly out: number } {
    this.#expire()
    let [into, out] = [0, 0]
    for (const { from, bytesPerSecond } of this.#byPeer.get(peerId) ?? []) {
      if (from === peerId) out += bytesPerSecond
      else into += bytesPerSecond
    }
    return { in: into, out }
  }

  forget(swarmId: SwarmId): void {
    for (const entry of [...(this.#bySwarm.get(swarmId)?.values() ?? [])]) this.#drop(entry)
  }

  #enter(swarmId: SwarmId, { from, to }: Pick<Feed, 'from' | 'to'>): Entry {
    const fresh = { bytes: 0, bytesPerSecond: 0, failures: 0, atMs: this.#clock.monotonicMs() }
    const entry: Entry = { swarmId, from, to, ...fresh, older: undefined, newer: undefined }
    const swarm = this.#bySwarm.get(swarmId) ?? new Map<string, Entry>()
    this.#bySwarm.set(swarmId, swarm.set(from + to, entry))
    for (const peerId of [from, to]) {
      const known = this.#byPeer.get(peerId) ?? new Set()
      this.#byPeer.set(peerId, known.add(entry))
    }
    this.#byAge.add(entry)
    return entry
  }

  #drop(entry: Entry | undefined): void {
    if (entry === undefined) return
    const { swarmId, from, to } = entry
    this.#byAge.remove(entry)
    const swarm = this.#bySwarm.get(swarmId)
    swarm?.delete(from + to)
    if (swarm?.size === 0) this.#bySwarm.delete(swarmId)
    for (const peerId of [from, to]) {
      const known = this.#byPeer.get(peerId)
      known?.delete(entry)
      if (known?.size === 0) this.#byPeer.delete(peerId)
    }
  }

  #expire(): void {
    const beforeMs = this.#clock.monotonicMs() - STALE_MS
    for (let entry = this.#byAge.oldest; entry !== undefined && entry.atMs < beforeMs; entry = this.#byAge.oldest)
      this.#drop(entry)
  }
}
