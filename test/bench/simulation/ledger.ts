import { type OriginLedger, originLedger } from '../../../lib/swarm/picker/index.ts'

/** What one origin decides about one blob, and what it was asked for and has not sent yet. */
export interface Books {
  readonly ledger: OriginLedger
  /** See `queueKey`. */
  readonly queued: Set<string>
}

/** The real ledger, for an origin that knows all `origins` by their ids. */
export function booksOf(pieces: number, self: string, origins: readonly string[]): Books {
  const queued = new Set<string>()
  const isQueued = (agent: string, piece: number) => queued.has(queueKey(agent, piece))
  const ledger = originLedger({ pieces, self, isQueued })
  ledger.divide(origins)
  return { ledger, queued }
}

export function queueKey(agent: string, piece: number): string {
  return `${agent} ${piece}`
}
