import { z } from 'zod'
import { starPattern } from '../base/index.ts'
import { duration, upstreamWayKeys } from '../config/index.ts'

/** Longest time that a proof of right may be remembered. */
export const MOST_PROOF_MS = 60 * 60_000
/** Most entries of one agent. */
const MOST_UPSTREAMS = 1000

const { registry, url, plainHttp, inner, ca, wait, stall } = upstreamWayKeys

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

/** Times in milliseconds. */
export type UpstreamEntry = z.output<typeof entry>
export type GuardedEntry = Extract<UpstreamEntry, { readonly proofFor: number }>

/** A pattern alone stands for a mirror. */
const upstreamEntry = z.preprocess(
  (value) => (typeof value === 'string' ? { registry: value, identity: 'mirror' } : value),
  entry,
)

/** Keys of an agent, without their defaults: which registries of others it serves, and to whom. */
export const mirrorKeys = {
  /** Patterns of their hosts, and who may read there; the first that fits counts. */
  upstreams: z
    .array(upstreamEntry)
    .max(MOST_UPSTREAMS)
    .superRefine((entries, context) => {
      for (const { index, message } of entryFaults(entries)) {
        context.addIssue({ code: 'custom', path: [index], message })
      }
    }),
  /** How long the cluster may take to begin with what comes from such a registry. */
  upstreamWait: duration.refine((ms) => ms > 0, 'must be longer than 0'),
} as const

/** What is wrong with the entry at `index`. */
interface EntryFault {
  readonly index: number
  readonly message: string
}

/** Whether anybody may run a registry that the pattern fits: not where it ends in a domain of its own, or names a host. */
function isForAnybody(pattern: string): boolean {
  const [host = ''] = pattern.split(':')
  const end = host.slice(host.lastIndexOf('*') + 1)
  return host.includes('*') && !/^\..+\..+/.test(end)
}

/** What nobody must mean, or can have meant. */
function entryFaults(entries: readonly UpstreamEntry[]): readonly EntryFault[] {
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
    ]
    return faults.filter((fault) => typeof fault === 'string').map((message) => ({ index, message }))
  })
}
