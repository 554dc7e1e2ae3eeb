import type { UpstreamRule } from '../../../lib/backend/index.ts'
import { starPattern } from '../../../lib/base/index.ts'
import { OWN_REGISTRY, type Repository } from '../../../lib/core/index.ts'
import type { GuardedEntry, UpstreamEntry } from '../../../lib/service/index.ts'

/** Which registries say themselves who may read there. */
export interface Identities {
  /** Undefined for our own registry, and for those of which everybody reads here what the cluster may. */
  readonly guarded: (registry: Repository['registry']) => GuardedEntry | undefined
  /** Whether images of that registry are given to anybody at all; of our own they are. */
  readonly serves: (registry: Repository['registry']) => boolean
  /** Rules by which those registries are asked. */
  readonly rules: readonly UpstreamRule[]
  /** Clients show here what they log in with there. */
  readonly passThrough: boolean
}

const isGuarded = (entry: UpstreamEntry): entry is GuardedEntry => entry.identity !== 'mirror'

/** The first entry that fits a registry counts. */
export function identities(entries: readonly UpstreamEntry[]): Identities {
  const fits = entries.map((entry) => ({ entry, pattern: starPattern(entry.registry) }))
  const entryOf = (registry: Repository['registry']) => fits.find(({ pattern }) => pattern.fits(registry))?.entry
  return {
    guarded(registry) {
      const entry = registry === OWN_REGISTRY ? undefined : entryOf(registry)
      return entry !== undefined && isGuarded(entry) ? entry : undefined
    },
    serves: (registry) => registry === OWN_REGISTRY || entryOf(registry) !== undefined,
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
