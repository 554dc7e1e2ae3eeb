import { adminClient, trackerAdmin } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, rounds, type Startable } from '../../../lib/base/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { CacheLoad } from './rules/cache-pod.ts'

export interface LoadsComponents {
  readonly http: HttpClient
  readonly clock: Clock
  readonly logger: Logger
}

/** What trackers say of caches, by their addresses. */
export interface Loads extends Startable {
  of(address: string): CacheLoad | undefined
}

const EVERY_MS = 10_000
const PAGE = '1000'
/** With more hosts at one tracker the rest counts as unknown. */
const MAX_PAGES = 20
/** What a tracker said last counts no longer than this when it is silent. */
const KEEP_MS = 60_000

type LoadsByAddress = ReadonlyMap<string, CacheLoad>

interface Told {
  readonly byAddress: LoadsByAddress
  readonly atMs: number
}

/** What one tracker says. */
export async function loadsAt(http: HttpClient, url: string, options: AbortOptions): Promise<LoadsByAddress> {
  const client = adminClient(http, url, trackerAdmin)
  const byAddress = new Map<string, CacheLoad>()
  let last: string | undefined
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await client.hosts({ role: 'agent', n: PAGE, last }, options)
    for (const { host, bytesPerSecond, ban, drain } of answer.hosts) {
      const mark: CacheLoad['mark'] = ban !== undefined ? 'banned' : drain !== undefined ? 'drained' : undefined
      byAddress.set(host, sumOf(byAddress.get(host), { bytesPerSecond: bytesPerSecond.out, mark }))
    }
    last = answer.next
    if (last === undefined) break
  }
  return byAddress
}

/** What several trackers say together, since each knows of its own swarms only. */
export function loadSums(told: readonly LoadsByAddress[]): LoadsByAddress {
  const all = new Map<string, CacheLoad>()
  for (const byAddress of told) for (const [address, load] of byAddress) all.set(address, sumOf(all.get(address), load))
  return all
}

/** Asks every tracker by its admin API. What they send is added up. */
export function loads({ http, clock, logger }: LoadsComponents, urls: readonly string[]): Loads {
  const told = new Map<string, Told>()
  let sums: LoadsByAddress = new Map()

  const ask = async (url: string, signal: AbortSignal): Promise<void> => {
    const byAddress = await loadsAt(http, url, { signal })
    told.set(url, { byAddress, atMs: clock.monotonicMs() })
  }

  const looks = rounds(clock, {
    async work(signal) {
      await Promise.all(
        urls.map((url) =>
          ask(url, signal).catch((err: unknown) => {
            if (!signal.aborted) logger.warn('a tracker does not say how much the caches send', { url, err })
          }),
        ),
      )
      const fresh = [...told.values()].filter(({ atMs }) => clock.monotonicMs() - atMs <= KEEP_MS)
      sums = loadSums(fresh.map(({ byAddress }) => byAddress))
      return EVERY_MS
    },
    onFailure: (err) => logger.error('the loads of the caches could not be added up', { err }),
    retryMs: EVERY_MS,
  })

  return {
    of: (address) => sums.get(address),
    async start() {
      if (urls.length > 0) await looks.start()
    },
    stop: () => looks.stop(),
  }
}

function sumOf(a: CacheLoad | undefined, b: CacheLoad): CacheLoad {
  const mark = a?.mark === 'banned' ? 'banned' : (b.mark ?? a?.mark)
  return { bytesPerSecond: (a?.bytesPerSecond ?? 0) + b.bytesPerSecond, mark }
}
