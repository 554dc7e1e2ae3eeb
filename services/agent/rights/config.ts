import { z } from 'zod'
import { upstreamRuleKeys } from '../../../lib/backend/index.ts'
import { starPattern } from '../../../lib/base/index.ts'
import { duration } from '../../../lib/config/index.ts'

/** Longest time that a proof of right may be remembered. */
export const MOST_PROOF_MS = 60 * 60_000

const { registry, url, plainHttp, inner, ca, wait, stall } = upstreamRuleKeys

/** Registries whose images are served to those who may read them there. */
export const guardedKeys = {
  registry,
  /**
   * `passThrough`: who shows there what the client shows here; `publicOnly`: nobody in particular. `mirror`, which has no
   * other keys: whoever may read here.
   */
  identity: z.literal(['passThrough', 'publicOnly']),
  /** How long a proof of right counts, by what was shown and by repository. */
  proofFor: duration.refine((ms) => ms <= MOST_PROOF_MS, 'at most 1h').prefault('5m'),
  ...{ url, plainHttp, inner, ca, wait, stall },
} as const

const entry = z.discriminatedUnion('identity', [
  z.strictObject({ registry, identity: z.literal('mirror') }),
  z.strictObject(guardedKeys),
])

/** A pattern alone stands for a mirror. */
export const upstreamEntrySchema = z.preprocess(
  (value) => (typeof value === 'string' ? { registry: value, identity: 'mirror' } : value),
  entry,
)

/** Times in milliseconds. */
export type UpstreamEntry = z.output<typeof entry>
export type GuardedEntry = Extract<UpstreamEntry, { readonly proofFor: number }>

/** What is wrong with the entry at `index`. */
export interface EntryFault {
  readonly index: number
  readonly message: string
}

/** Whether anybody may run a registry that the pattern fits: not where it ends in a domain of its own, or names a host. */
function isForAnybody(pattern: string): boolean {
  const [host = ''] = pattern.split(':')
  const end = host.slice(host.lastIndexOf('*') + 1)
  return host.includes('*') && !/^\..+\..+/.test(end)
}

/** What an operator must not mean, or cannot have meant. */
export function entryFaults(entries: readonly UpstreamEntry[], anonymous: string | undefined): readonly EntryFault[] {
  const passes = entries.some(({ identity }) => identity === 'passThrough')
  return entries.flatMap((one, index) => {
    const before = entries.slice(0, index).find((earlier) => starPattern(earlier.registry).fits(one.registry))
    const hides = before !== undefined && (before.identity !== 'mirror' || one.identity !== 'mirror')
    const faults = [
      hides && `is never reached: the entry for "${before.registry}" before it fits the same registries`,
      passes &&
        isForAnybody(one.registry) &&
        'fits registries that anybody may run, who could have private images of the entry with passThrough from the cache; name the registries',
      one.identity === 'passThrough' &&
        one.registry.includes('*') &&
        'what clients show is for one registry: passThrough takes no *',
      one.identity === 'publicOnly' &&
        one.registry.includes('*') &&
        one.url !== undefined &&
        'url is only for one registry, without *',
      one.identity === 'passThrough' &&
        anonymous === 'none' &&
        'clients show what they log in with there, so registry.anonymous cannot be none',
    ]
    return faults.filter((fault) => typeof fault === 'string').map((message) => ({ index, message }))
  })
}
