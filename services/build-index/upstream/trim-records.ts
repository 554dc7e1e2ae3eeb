import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, type Clock, hasCode, inTurns, type TokenBucket } from '../../../lib/base/index.ts'
import type { Repository } from '../../../lib/core/index.ts'
import type { IndexRecords } from '../index-records.ts'
import { keyPages } from '../key-pages.ts'
import { usedAtIn } from './last-known.ts'
import { fairShares, siteOf } from './record-shares.ts'

/** Records read or removed at the same time. */
const AT_ONCE = 8
/** Records that one pass counts, 8 bytes for each; what is behind them is for a later pass. */
const MAX_COUNTED = 5_000_000

const PREFIX = 'index/registries/'
const SHAPE = /^index\/registries\/([^/]+)\/repositories\/.+\/_(?:tags|manifests)\/[^/]+$/

export interface TrimComponents {
  readonly backend: Backend
  /** In the same backend. */
  readonly records: IndexRecords
  readonly clock: Clock
  readonly pace: TokenBucket
  /** Whether the registry is one that is only looked up: of others nothing is removed. */
  readonly isUpstream: (registry: Repository['registry']) => boolean
  readonly onRemoved?: ((reason: 'age' | 'share') => void) | undefined
}

export interface TrimInit {
  /** Records of all upstreams together. */
  readonly most: number
  /** What nobody has asked for since goes, in milliseconds. */
  readonly olderThan: number
}

interface Seen {
  readonly key: string
  readonly site: string
  readonly usedAtMs: number
}

/**
 * Removes what upstreams said last of what nobody has asked for lately, and where there is still too much, what was used
 * longest ago of those that have more than their share. A record that is used meanwhile stays. Returns how many are left.
 * @throws what the backend throws
 */
export async function trimRecords(
  components: TrimComponents,
  { most, olderThan }: TrimInit,
  options: AbortOptions,
): Promise<number> {
  const beforeMs = components.clock.now() - olderThan
  const times = new Map<string, number[]>()
  let kept = 0
  for await (const page of seenRecords(components, options)) {
    await removed(components, page.filter(isOlder(beforeMs)), 'age', options)
    for (const { site, usedAtMs } of page.filter((each) => !isOlder(beforeMs)(each))) {
      const known = times.get(site) ?? []
      times.set(site, known)
      known.push(usedAtMs)
      kept += 1
    }
    if (kept >= MAX_COUNTED) break
  }
  if (kept <= most) return kept
  const limits = limitsOf(times, most)
  for await (const page of seenRecords(components, options)) {
    const doomed = page.filter(({ site, usedAtMs }) => limits.get(site)?.isOver(usedAtMs) === true)
    kept -= await removed(components, doomed, 'share', options)
  }
  return kept
}

const isOlder =
  (beforeMs: number) =>
  ({ usedAtMs }: Seen) =>
    usedAtMs < beforeMs

/** For each site with too many, which of its records go: those before the last that stays. */
function limitsOf(times: ReadonlyMap<string, number[]>, most: number) {
  const counts = new Map(
    [...times].map(([site, all]) => [site, { count: all.length, newestMs: all.reduce((a, b) => Math.max(a, b), 0) }]),
  )
  const shares = fairShares(counts, most)
  const limits = new Map<string, { readonly isOver: (usedAtMs: number) => boolean }>()
  for (const [site, all] of times) {
    const share = shares.get(site) ?? 0
    if (share >= all.length) continue
    const newest = Float64Array.from(all).sort().reverse()
    const lastMs = share === 0 ? Number.POSITIVE_INFINITY : (newest[share - 1] ?? 0)
    // Of those of the same millisecond as the last one, so many more stay.
    let room = newest.subarray(0, share).filter((ms) => ms === lastMs).length
    limits.set(site, {
      isOver(usedAtMs) {
        if (usedAtMs !== lastMs) return usedAtMs < lastMs
        room -= 1
        return room < 0
      },
    })
  }
  return limits
}

async function* seenRecords(
  { backend, records, pace, isUpstream }: TrimComponents,
  options: AbortOptions,
): AsyncGenerator<readonly Seen[]> {
  for await (const keys of keyPages(backend, PREFIX, options)) {
    const ours = keys.flatMap((key) => {
      const [, host] = SHAPE.exec(key) ?? []
      return host !== undefined && isUpstream(host as Repository['registry']) ? [{ key, site: siteOf(host) }] : []
    })
    await pace.take(1, options)
    const seen = await inTurns(ours, AT_ONCE, async ({ key, site }) => {
      await pace.take(1, options)
      const usedAtMs = await usedAt(records, key, options)
      return usedAtMs === undefined ? undefined : { key, site, usedAtMs }
    })
    yield seen.filter((each) => each !== undefined)
  }
}

/** Undefined for what is no record of an upstream's answer. */
async function usedAt(records: IndexRecords, key: string, options: AbortOptions): Promise<number | undefined> {
  try {
    return (await records.read(key, usedAtIn, options))?.value
  } catch (err) {
    if (hasCode(err, 'BACKEND_CORRUPT')) return undefined
    throw err
  }
}

/** Removes those that are still as they were seen; how many. */
async function removed(
  { records, pace, onRemoved }: TrimComponents,
  doomed: readonly Seen[],
  reason: 'age' | 'share',
  options: AbortOptions,
): Promise<number> {
  const outcomes = await inTurns(doomed, AT_ONCE, async ({ key, usedAtMs }) => {
    await pace.take(1, options)
    return records.removeIf(key, { parse: usedAtIn, test: (nowMs) => nowMs === usedAtMs }, options)
  })
  const count = outcomes.filter(Boolean).length
  for (let i = 0; i < count; i += 1) onRemoved?.(reason)
  return count
}
