import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { type Clock, countCache, hasCode } from '../base/index.ts'

/** So long the addresses of a name count while no name server answers. */
const REMEMBERED_MS = 10 * 60_000
/** Names whose addresses are remembered; beyond them the one that was found longest ago is forgotten. */
const MAX_NAMES = 1_000

type Found = Parameters<Parameters<LookupFunction>[2]>

/**
 * Finds addresses for connections; while no name server answers, those that were found last. The members of a ring stay
 * while their names cannot be asked for, so a new connection to one of them must not need an answer either. A name server
 * that says there is no such name has answered.
 */
export function rememberedLookup(
  clock: Pick<Clock, 'monotonicMs'>,
  lookup: LookupFunction = systemLookup,
): LookupFunction {
  const known = countCache<Found>(clock, { ttlMs: REMEMBERED_MS, maxEntries: MAX_NAMES })
  return (host, options, done) => {
    const { all = false, family = 0 } = options
    const name = `${all} ${family} ${host}`
    lookup(host, options, (...found) => {
      const [err] = found
      if (err === null) known.set(name, found)
      else if (hasCode(err, 'ENOTFOUND')) known.delete(name)
      done(...((hasCode(err, 'EAI_AGAIN') && known.get(name)) || found))
    })
  }
}
