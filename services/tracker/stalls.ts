import { type Clock, countCache } from '../../lib/base/index.ts'
import { callerAt } from '../../lib/identity/index.ts'
import type { Crossing } from './crossings.ts'
import { isAgreed } from './hosts/health.ts'

/** Askers of a zone of a swarm that are remembered; the one heard longest ago makes room. */
const MAX_ASKERS = 16
/** Who has got nothing for so long says that the zone gives nothing. */
const STALL_MS = 15_000
/** After so long it need not be said by others, too. */
const ALONE_MS = 60_000

/** What an asker lacked when it last said less than before, and when that was. */
interface Progress {
  readonly leftBytes: number
  readonly sinceMs: number
}

/** Whether the peers of a zone that claim to have a whole blob give anything of it, by what their askers lack. */
export interface Stalls {
  /**
   * An asker at this address announces what it lacks, in a zone where others claim to have everything. True when several
   * addresses, and most of those heard, get nothing, or this one has got nothing for long.
   */
  heard(crossing: Crossing, host: string, leftBytes: number): boolean
}

export function stalls(clock: Pick<Clock, 'monotonicMs'>, { maxZones }: { readonly maxZones: number }): Stalls {
  const zones = countCache<Map<string, Progress>>(clock, { maxEntries: maxZones, ttlMs: 10 * ALONE_MS })
  return {
    heard({ swarmId, zone }, host, leftBytes) {
      const name = `${swarmId} ${zone}`
      const askers = zones.get(name) ?? new Map<string, Progress>()
      const nowMs = clock.monotonicMs()
      const asker = callerAt(host)
      const before = askers.get(asker)
      const own = before !== undefined && before.leftBytes <= leftBytes ? before : { leftBytes, sinceMs: nowMs }
      askers.delete(asker)
      askers.set(asker, own)
      for (const oldest of [...askers.keys()].slice(0, -MAX_ASKERS)) askers.delete(oldest)
      zones.set(name, askers)
      const stalled = [...askers.values()].filter(({ sinceMs }) => nowMs - sinceMs >= STALL_MS).length
      return isAgreed(stalled, askers.size) || nowMs - own.sinceMs >= ALONE_MS
    },
  }
}
