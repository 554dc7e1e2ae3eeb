import { type AbortOptions, type Clock, countCache, singleFlight } from '../../base/index.ts'
import type { InfoHash, SwarmId } from '../../core/index.ts'
import type { ForeignSwarms } from '../outside.ts'

/** Names that are remembered, known and unknown; the latter for a short time. */
const MAX_KNOWN = 10_000
const MAX_UNKNOWN = 1_000
const UNKNOWN_MS = 5_000
/** Names that trackers are asked for at once, and in one second. */
const MAX_LOOKS = 8
const MAX_LOOKS_PER_SECOND = 20

/** The swarms of the names by which stock BitTorrent clients call, as trackers know them. */
export interface ForeignNames {
  /** Undefined when no tracker knows the name, or too many are being asked for. @throws what trackers fail with, ABORTED */
  readonly swarmOf: (infoHash: InfoHash, options?: AbortOptions) => Promise<SwarmId | undefined>
}

/** Whoever reaches the peer port can name anything, so trackers are asked for each name once, and not often. */
export function foreignNames(clock: Pick<Clock, 'monotonicMs'>, swarms: ForeignSwarms): ForeignNames {
  const known = countCache<SwarmId>(clock, { maxEntries: MAX_KNOWN })
  const unknown = countCache<true>(clock, { maxEntries: MAX_UNKNOWN, ttlMs: UNKNOWN_MS })
  const looks = singleFlight<InfoHash, SwarmId | undefined>()
  let second = { sinceMs: Number.NEGATIVE_INFINITY, looks: 0 }

  const mayLook = (): boolean => {
    const nowMs = clock.monotonicMs()
    if (nowMs - second.sinceMs >= 1_000) second = { sinceMs: nowMs, looks: 0 }
    second.looks += 1
    return looks.size < MAX_LOOKS && second.looks <= MAX_LOOKS_PER_SECOND
  }

  return {
    async swarmOf(infoHash, options = {}) {
      const found = known.get(infoHash)
      if (found !== undefined || unknown.get(infoHash) === true || !mayLook()) return found
      const swarmId = await looks.run(infoHash, (signal) => swarms.swarmOf(infoHash, { signal }), options)
      if (swarmId === undefined) unknown.set(infoHash, true)
      else known.set(infoHash, swarmId)
      return swarmId
    },
  }
}
