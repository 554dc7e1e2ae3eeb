import type { Gauge, Logger } from '../../../lib/telemetry/index.ts'

/**
 * `away`: nothing comes through. `full`: redis is there and does not take what is written, because it has no memory left
 * or may not be written to.
 */
export type StoreCondition = 'up' | 'full' | 'away'

/** How the store is: for the log once per change, for metrics and for `/readyz`. */
export interface StoreState {
  change(condition: StoreCondition, reason?: string): void
  readonly condition: StoreCondition
  readonly trouble: string | undefined
}

export interface StoreStateComponents {
  readonly logger: Logger
  readonly meters: { readonly up: Gauge }
}

const sentences = {
  up: 'peers are shared through redis',
  full: 'redis does not take the peers that it is given; loading goes on',
  away: 'redis is away; peers are in memory only',
} as const

export function storeState({ logger, meters }: StoreStateComponents): StoreState {
  let condition: StoreCondition | undefined
  let trouble: string | undefined = 'redis is not connected yet'
  return {
    change(next, reason) {
      trouble = next === 'up' ? undefined : `${sentences[next]}${reason === undefined ? '' : ` (${reason})`}`
      if (next === condition) return
      condition = next
      meters.up.set(next === 'away' ? 0 : 1)
      logger[next === 'up' ? 'info' : 'warn'](sentences[next], reason === undefined ? {} : { reason })
    },
    get condition() {
      return condition ?? 'away'
    },
    get trouble() {
      return trouble
    },
  }
}
