import { type AbortOptions, type Clock, type CountCache, deadline, singleFlight } from '../../base/index.ts'
import type { RegistryHost, RepositoryName } from '../../core/index.ts'
import type { UpstreamBudget } from './rate-limits.ts'
import { unreachable } from './upstream-verdict.ts'
import { foundSilence, type UpstreamWays } from './upstream-ways.ts'

/** So long what the cluster says of a repository, or an answer from there, counts without another question. */
export const TRUST_MS = 1_000
/** Longest wait for the cluster: LAN round trips; who hears nothing finds out for himself. */
const TALK_MS = 300

/** What the processes of a cluster tell each other of an upstream. */
export interface UpstreamNews {
  /** Milliseconds for which requests for the repository are refused at once; absent when they are not. */
  readonly refusedForMs?: number | undefined
  /** Milliseconds for which the upstream, by a 429, has asked for no requests. */
  readonly pausedForMs?: number | undefined
  readonly budget?: UpstreamBudget | undefined
}

/**
 * The cluster, asked before an upstream is: some member knows what any of them has found. Both methods: @throws any error
 * when nobody answers
 */
export interface UpstreamTalk {
  /** Undefined for what the one who asks knows himself. */
  ask(registry: RegistryHost, repository: RepositoryName, options: AbortOptions): Promise<UpstreamNews | undefined>
  tell(registry: RegistryHost, repository: RepositoryName, news: UpstreamTold, options: AbortOptions): Promise<void>
}

/** `silent`: who tells it has waited for the repository in vain. */
export interface UpstreamTold {
  readonly silent?: boolean | undefined
  readonly pausedForMs?: number | undefined
  readonly budget?: UpstreamBudget | undefined
}

/** What the cluster said a moment ago, by repository. */
export type HeardNews = CountCache<{ readonly untilMs: number }>

export interface SharedWaysComponents {
  readonly clock: Clock
  readonly ways: UpstreamWays
  readonly talk: UpstreamTalk
  /** Kept for `TRUST_MS`. */
  readonly heard: HeardNews
  readonly onNews: (news: UpstreamNews) => void
}

/**
 * The ways to an upstream, as the whole cluster knows them: whoever has not had an answer from a repository for a second
 * asks first whether somebody else waits for it in vain; and whoever has waited in vain says so before he fails. So an
 * outage costs a client one wait, whichever process each of his requests comes to.
 */
export function sharedWays(
  { clock, ways, talk, heard, onNews }: SharedWaysComponents,
  registry: RegistryHost,
): Pick<UpstreamWays, 'run'> {
  const asking = singleFlight<RepositoryName, void>()
  const keyOf = (repository: RepositoryName) => `${registry}/${repository}`
  const within = async <T>(call: (options: AbortOptions) => Promise<T>): Promise<T | undefined> => {
    const limit = deadline(clock, TALK_MS)
    try {
      return await call(limit)
    } catch {
      return undefined
    } finally {
      limit.release()
    }
  }

  const ask = async (repository: RepositoryName) => {
    const news = await within((options) => talk.ask(registry, repository, options))
    if (news !== undefined) onNews(news)
    heard.set(keyOf(repository), { untilMs: clock.monotonicMs() + (news?.refusedForMs ?? 0) })
  }

  return {
    async run(repository, work) {
      const key = keyOf(repository)
      if (ways.refusedFor(repository) === undefined) {
        if (heard.get(key) === undefined) await asking.run(repository, () => ask(repository))
        const leftMs = (heard.get(key)?.untilMs ?? 0) - clock.monotonicMs()
        if (leftMs > 0) throw unreachable(registry, { retryAfterMs: Math.ceil(leftMs) })
      }
      try {
        const result = await ways.run(repository, work)
        heard.set(key, { untilMs: 0 })
        return result
      } catch (err) {
        if (foundSilence(err)) await within((options) => talk.tell(registry, repository, { silent: true }, options))
        throw err
      }
    },
  }
}
