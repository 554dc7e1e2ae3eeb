import { type Clock, deferred, type Startable, slots } from '../../../lib/base/index.ts'
import type { SwarmId } from '../../../lib/core/index.ts'
import type { Counter } from '../../../lib/telemetry/index.ts'
import { isProven } from '../owner.ts'
import type { PeerRegistry } from '../peer-registry.ts'
import type { SeedRegistry } from '../seeds/seed-registry.ts'
import type { Reply } from './redis-connection.ts'
import type { RedisLink } from './redis-link.ts'
import { type ReadRow, readRow } from './rows.ts'
import { MAX_READ, type StoreCalls } from './scripts.ts'

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
  const { clock, link, calls, meters } = components
  const knownUntil = new Map<SwarmId, number>()
  const loads = new Map<SwarmId, Promise<void>>()
  const queue = slots(MAX_AT_ONCE)

  const know = (id: SwarmId, ms: number) => {
    knownUntil.delete(id)
    knownUntil.set(id, clock.monotonicMs() + ms)
    const [oldest] = knownUntil.keys()
    if (knownUntil.size > MAX_KNOWN && oldest !== undefined) knownUntil.delete(oldest)
  }
  const isKnown = (id: SwarmId) => (knownUntil.get(id) ?? 0) > clock.monotonicMs()

  const work = async (id: SwarmId) => {
    try {
      const [reply] = await link.run([calls.load(id)])
      const taken = learnReply(components, id, reply)
      if (taken) know(id, KNOWN_MS)
      meters[taken ? 'loaded' : 'failed'].add()
    } catch {
      meters.failed.add()
    } finally {
      loads.delete(id)
    }
  }
  /** Undefined when there are too many. */
  const load = (id: SwarmId): Promise<void> | undefined => {
    const started = loads.get(id) ?? (queue.waiting < MAX_WAITING ? queue.run(() => work(id)) : undefined)
    if (started === undefined) meters.failed.add()
    else loads.set(id, started)
    return started
  }
  /** Until all are done, or for a short time. */
  const soon = async (all: readonly Promise<void>[]): Promise<void> => {
    const late = deferred()
    const timer = clock.setTimer(PATIENCE_MS, () => {
      meters.late.add()
      late.resolve()
    })
    await Promise.race([Promise.all(all), late.promise])
    timer.cancel()
  }

  return {
    ready(ids) {
      if (!link.isUp) return undefined
      const missing = ids.filter((id) => !isKnown(id)).flatMap((id) => load(id) ?? [])
      return missing.length === 0 ? undefined : soon(missing)
    },
    heard(id, ms) {
      if (knownUntil.has(id)) know(id, ms)
    },
    async stop() {
      await Promise.all(loads.values())
    },
  }
}

/** Takes over what others know. False when the reply is none of our script. */
function learnReply(
  { registry, seeds, maxTtlMs }: Pick<SwarmLoadsComponents, 'registry' | 'seeds' | 'maxTtlMs'>,
  id: SwarmId,
  reply: Reply | undefined,
): boolean {
  if (reply === undefined || !('value' in reply) || !Array.isArray(reply.value)) return false
  const [peers, seeders] = reply.value as readonly unknown[]
  const learn = ({ entry, leftBytes, ttlMs }: TimedRow) =>
    registry.learn(id, entry, Math.min(ttlMs, maxTtlMs()), leftBytes)
  for (const row of readRows(peers)) learn(row)
  for (const row of readRows(seeders)) if (row.entry.complete && !seeds.has(id, row.entry.peerId)) learn(row)
  return true
}

interface TimedRow extends ReadRow {
  readonly ttlMs: number
}

/** At most `MAX_READ` of them; those with a proven id first, so that nobody takes the place of one. */
function readRows(rows: unknown): readonly TimedRow[] {
  if (!Array.isArray(rows)) return []
  const read = (at: number) => {
    const row = readRow(rows[at], rows[at + 1])
    const ttlMs = Number(rows[at + 2])
    return row !== undefined && ttlMs > 0 ? [{ ...row, ttlMs }] : []
  }
  const rank = ({ entry: { peerId, key } }: ReadRow) => Number(isProven(peerId, key))
  return Array.from({ length: Math.min(MAX_READ, Math.floor(rows.length / 3)) }, (_, at) => at * 3)
    .flatMap(read)
    .toSorted((a, b) => rank(b) - rank(a))
}
