import type { Clock, Startable } from '../../../lib/base/index.ts'
import type { SwarmId } from '../../../lib/core/index.ts'
import type { Counter } from '../../../lib/telemetry/index.ts'
import { isProven } from '../owner.ts'
import type { PeerRegistry } from '../peer-registry.ts'
import type { SeedRegistry } from '../seeds/seed-registry.ts'
import type { Reply } from './redis-connection.ts'
import type { RedisLink } from './redis-link.ts'
import { readRow } from './rows.ts'
import { LIFE_MS, MAX_READ, type StoreCalls } from './scripts.ts'

/** Which swarms this tracker has heard of lately, and what others know of the rest. */
export interface SwarmLoads extends Pick<Startable, 'stop'> {
  /** See `PeerStore`. */
  ready(swarmIds: readonly SwarmId[]): Promise<void> | undefined
  /** Peers of the swarm announce themselves here, and the next one does so before this time is over. */
  heard(swarmId: SwarmId, ms: number): void
}

export interface SwarmLoadsComponents {
  readonly clock: Clock
  readonly link: Pick<RedisLink, 'run' | 'isUp'>
  readonly calls: Pick<StoreCalls, 'load'>
  readonly registry: Pick<PeerRegistry, 'learn'>
  readonly seeds: Pick<SeedRegistry, 'has'>
  /** An entry that is announced lives no longer, and a loaded one neither. */
  readonly maxTtlMs: () => number
  readonly meters: {
    readonly loaded: Counter
    /** The answer did not wait for it. */
    readonly late: Counter
    /** Too many at once, or redis did not answer, or not sensibly. */
    readonly failed: Counter
  }
}

/** Longest time that an answer waits for a load. */
const PATIENCE_MS = 50
/** Loads under way, and those that wait for them; beyond it, answers go out without. */
const MAX_AT_ONCE = 16
const MAX_WAITING = 2000
/** Swarms that are known to be heard of; beyond it the oldest is loaded anew. */
const MAX_KNOWN = 200_000
/** For so long a loaded swarm is known although nobody has announced in it. */
const KNOWN_MS = 10_000

export function swarmLoads(components: SwarmLoadsComponents): SwarmLoads {
  const { clock, link, calls, registry, seeds, maxTtlMs, meters } = components
  const knownUntil = new Map<SwarmId, number>()
  const loads = new Map<SwarmId, Promise<void>>()
  const queue: (() => void)[] = []
  let running = 0

  const know = (id: SwarmId, ms: number) => {
    knownUntil.delete(id)
    knownUntil.set(id, clock.monotonicMs() + ms)
    const [oldest] = knownUntil.keys()
    if (knownUntil.size > MAX_KNOWN && oldest !== undefined) knownUntil.delete(oldest)
  }
  const isKnown = (id: SwarmId) => (knownUntil.get(id) ?? 0) > clock.monotonicMs()

  const learn = (id: SwarmId, rows: unknown, complete: boolean) => {
    if (!Array.isArray(rows)) return
    for (const { entry, leftBytes, ttlMs } of readRows(rows)) {
      if (complete && (!entry.complete || seeds.has(id, entry.peerId))) continue
      registry.learn(id, entry, Math.min(ttlMs, maxTtlMs()), leftBytes)
    }
  }
  const take = (id: SwarmId, reply: Reply | undefined): boolean => {
    if (reply === undefined || !('value' in reply) || !Array.isArray(reply.value)) return false
    const [peers, seeders] = reply.value as readonly unknown[]
    learn(id, peers, false)
    learn(id, seeders, true)
    return true
  }
  const place = async () => {
    if (running >= MAX_AT_ONCE) await new Promise<void>((resolve) => queue.push(resolve))
    else running += 1
  }
  const leave = () => {
    const next = queue.shift()
    if (next === undefined) running -= 1
    else next()
  }
  const work = async (id: SwarmId) => {
    await place()
    try {
      const [reply] = await link.run([calls.load(id)])
      const taken = take(id, reply)
      if (taken) know(id, KNOWN_MS)
      meters[taken ? 'loaded' : 'failed'].add()
    } catch {
      meters.failed.add()
    } finally {
      loads.delete(id)
      leave()
    }
  }
  /** Undefined when there are too many. */
  const load = (id: SwarmId): Promise<void> | undefined => {
    const running = loads.get(id)
    if (running !== undefined) return running
    if (queue.length >= MAX_WAITING) {
      meters.failed.add()
      return undefined
    }
    const started = work(id)
    loads.set(id, started)
    return started
  }

  /** Until all are done, or for a short time. */
  const soon = (all: readonly Promise<void>[]): Promise<void> =>
    new Promise((resolve) => {
      const timer = clock.setTimer(PATIENCE_MS, () => {
        meters.late.add()
        resolve()
      })
      void Promise.all(all).then(() => {
        timer.cancel()
        resolve()
      })
    })

  return {
    ready(ids) {
      if (!link.isUp) return undefined
      const missing = ids.filter((id) => !isKnown(id)).flatMap((id) => load(id) ?? [])
      return missing.length === 0 ? undefined : soon(missing)
    },
    heard(id, ms) {
      if (knownUntil.has(id)) know(id, Math.min(ms, LIFE_MS))
    },
    async stop() {
      await Promise.all(loads.values())
    },
  }
}

/** At most `MAX_READ` of them; those with a proven id first, so that nobody takes the place of one. */
function readRows(rows: readonly unknown[]) {
  return Array.from({ length: Math.min(MAX_READ, Math.floor(rows.length / 3)) }, (_, at) => at * 3)
    .flatMap((at) => {
      const read = readRow(rows[at], rows[at + 1])
      const ttlMs = Number(rows[at + 2])
      return read !== undefined && ttlMs > 0 ? [{ ...read, ttlMs }] : []
    })
    .toSorted((a, b) => Number(isProven(b.entry.peerId, b.entry.key)) - Number(isProven(a.entry.peerId, a.entry.key)))
}
