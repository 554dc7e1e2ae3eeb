import type { UpstreamRule } from '../../../lib/backend/index.ts'
import { starPattern } from '../../../lib/base/index.ts'
import { OWN_REGISTRY, type Repository } from '../../../lib/core/index.ts'
import type { GuardedEntry, UpstreamEntry } from './config.ts'

/** Which registries say themselves who may read there. */
export interface Identities {
  /** Undefined for our own registry, and for those of which everybody reads here what the cluster may. */
  readonly guarded: (registry: Repository['registry']) => GuardedEntry | undefined
  /** Rules by which those registries are asked. */
  readonly rules: readonly UpstreamRule[]
  /** Clients show here what they log in with there. */
  readonly passThrough: boolean
}

const isGuarded = (entry: UpstreamEntry): entry is GuardedEntry => entry.identity !== 'mirror'

/** The first entry that fits a registry counts. */
export function identities(entries: readonly UpstreamEntry[]): Identities {
  const fits = entries.map((entry) => ({ entry, pattern: starPattern(entry.registry) }))
  return {
    guarded(registry) {
      if (registry === OWN_REGISTRY) return undefined
      const entry = fits.find(({ pattern }) => pattern.fits(registry))?.entry
      return entry !== undefined && isGuarded(entry) ? entry : undefined
    },
    rules: entries.filter(isGuarded).map(ruleOf),
    passThrough: entries.some(({ identity }) => identity === 'passThrough'),
  }
}

function ruleOf({ registry, url, plainHttp, inner, ca, wait, stall }: GuardedEntry): UpstreamRule {
  return {
    ...{ registry, plainHttp, inner, wait, stall, requests: undefined, read: undefined },
    ...(url !== undefined && { url }),
    ...(ca !== undefined && { ca }),
  }
}
