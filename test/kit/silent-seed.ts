import type { ArrivingSeed } from '../../lib/swarm/index.ts'

/** Nobody hears of what arrives. */
export const silentSeed = (): ArrivingSeed => ({
  ...{ arrived: () => undefined, whole: () => undefined, failed: () => undefined },
})
