import {
  type AbortOptions,
  type Background,
  type Breaker,
  breaker,
  type Clock,
  hasCode,
  isAppError,
  type Random,
} from '../../base/index.ts'
import type { RepositoryName } from '../../core/index.ts'
import { unreachable, upstreamVerdict } from './upstream-verdict.ts'

/** Between two pings of an upstream that does not answer. */
const PAUSE = { baseMs: 1_000, maxMs: 10_000 }
/** Longest time between two looks for what a repository there fails with. */
const LONGEST_MS = 30_000
/** So many failures in a row that an upstream answers itself for a repository count as no answer. */
const DOUBTS = 5
/** Repositories of one upstream that are known to fail; of more, the one that failed first counts as whole. */
const MAX_FAILING = 100

/**
 * The way to one upstream, and those to its repositories. What a repository fails with breaks only the way to it; when
 * that was silence, the upstream is pinged at once, and is out when it does not answer that. So nobody who asks for what
 * fails takes the upstream from the others.
 *
 *     a repository: whole ── silence, or five failures in a row ──> broken ── pause ──> the next call looks
 *                              │
 *                              v
 *     the upstream: whole ── ping ── no answer ──> out ── pause ──> the next call fails at once, and a ping begins
 */
export interface UpstreamWays {
  /** @throws UPSTREAM_UNREACHABLE, with `detail.repository` when the upstream is not out as a whole; what `work` throws */
  run<T>(repository: RepositoryName, work: () => Promise<T>): Promise<T>
  /** Milliseconds until the next ping of the upstream; undefined while it is not known to be out. */
  brokenFor(): number | undefined
  /** Milliseconds for which whoever asks for the repository is refused at once; undefined when he is not. */
  refusedFor(repository: RepositoryName): number | undefined
  /** Somebody else in the cluster has waited for this repository in vain. */
  suspect(repository: RepositoryName): void
}

export interface UpstreamWaysComponents {
  readonly clock: Clock
  readonly random: Random
  /** Where pings run. */
  readonly tasks: Pick<Background, 'run'>
  /** Told when the upstream is found out, and when it answers again. */
  readonly onChange?: (isBroken: boolean) => void
}

export interface UpstreamWaysInit {
  readonly registry: string
  /** Longest time of `work` and `ping`, in milliseconds. */
  readonly waitMs: number
  /** Any request that the upstream answers. */
  readonly ping: (options: AbortOptions) => Promise<unknown>
}

export function upstreamWays(
  { clock, random, tasks, onChange = () => undefined }: UpstreamWaysComponents,
  { registry, waitMs, ping }: UpstreamWaysInit,
): UpstreamWays {
  let repositories = wholeRepositories({ clock, random }, { registry, waitMs })
  const upstream = breaker(
    { clock, random },
    {
      ...{ maxNames: 1, pause: PAUSE, doubts: 1 },
      verdict: upstreamVerdict,
      broken: (_, about) => unreachable(registry, about),
      onChange(_, isBroken) {
        // What its repositories have failed with was that.
        if (!isBroken) repositories = wholeRepositories({ clock, random }, { registry, waitMs })
        onChange(isBroken)
      },
    },
  )
  let isPinged = false
  /** Nobody waits for a ping; there is one at a time. */
  const check = () => {
    if (isPinged) return
    isPinged = true
    tasks.run('ping an upstream', async (signal) => {
      try {
        await upstream.run(registry, { work: () => ping({ signal }) })
      } catch {
        // The breaker knows.
      } finally {
        isPinged = false
      }
    })
  }

  return {
    async run(repository, work) {
      const leftMs = upstream.brokenFor(registry)
      if (leftMs === 0) check()
      if (leftMs !== undefined) throw unreachable(registry, { retryAfterMs: Math.max(1, Math.ceil(leftMs)) })
      try {
        return await repositories.run(repository, { work })
      } catch (err) {
        if (foundSilence(err)) check()
        throw err
      }
    },
    brokenFor: () => upstream.brokenFor(registry),
    refusedFor(repository) {
      const outMs = upstream.brokenFor(registry)
      if (outMs === 0) check()
      const leftMs = Math.max(outMs === undefined ? 0 : 1, outMs ?? 0, repositories.brokenFor(repository) ?? 0)
      return leftMs === 0 ? undefined : Math.ceil(leftMs)
    },
    suspect(repository) {
      repositories.suspect(repository)
      check()
    },
  }
}

function wholeRepositories(
  { clock, random }: Pick<UpstreamWaysComponents, 'clock' | 'random'>,
  { registry, waitMs }: Pick<UpstreamWaysInit, 'registry' | 'waitMs'>,
): Breaker {
  // Before a repository is looked at again, a ping that began when it broke has ended.
  const baseMs = 2 * (waitMs + PAUSE.baseMs)
  return breaker(
    { clock, random },
    {
      ...{ maxNames: MAX_FAILING, pause: { baseMs, maxMs: Math.max(LONGEST_MS, baseMs) }, doubts: DOUBTS },
      verdict: upstreamVerdict,
      broken: (repository, about) => unreachable(registry, { ...about, repository }),
    },
  )
}

/** Whether a call has waited in vain; whoever was not let through has found nothing. */
export function foundSilence(err: unknown): boolean {
  const found = hasCode(err, 'UPSTREAM_UNREACHABLE') && isAppError(err) ? err.cause : err
  return found !== undefined && upstreamVerdict(found) === 'broken'
}
