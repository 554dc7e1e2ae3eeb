import { type AdjustableRate, type LookBudget, lookBudget, requestRate } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { AgentConfig } from '../config.ts'

/** What each client of an agent may do, at all listeners for clients together. */
export interface ClientLimits {
  readonly looks: LookBudget
  readonly rate: AdjustableRate
}

/**
 * What each client may ask for in vain: far less than a build-index lets through from one agent, so that no client takes what
 * the others of this host need.
 */
const LOOKS = { perSecond: 50, burst: 500 }

/** An agent is a mirror to its clients: who asks for too much is to go to the next host at once. */
const CODE = 'UNAVAILABLE'

export function clientLimits(runtime: Runtime, { registry }: Pick<AgentConfig, 'registry'>): ClientLimits {
  return {
    looks: lookBudget(runtime, { ...LOOKS, code: CODE }),
    rate: requestRate(runtime, { listener: 'registry', perSecond: registry.clientRequests, code: CODE }),
  }
}
