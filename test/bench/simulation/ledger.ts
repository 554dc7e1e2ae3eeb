import { type OriginLedger, originLedger } from '../../../lib/swarm/picker/index.ts'

/** What one origin decides about one blob: the real ledger, for an origin that knows all `origins` by their ids. */
export function ledgerOf(pieces: number, self: string, origins: readonly string[]): OriginLedger {
  const ledger = originLedger({ pieces, self })
  ledger.divide(origins)
  return ledger
}
