import { MAX_REFERRERS, type ReferrerPage, type ReferrerPageOptions } from '../../../lib/api/index.ts'
import type { Upstream } from '../../../lib/backend/index.ts'
import { byteCache, type Clock } from '../../../lib/base/index.ts'
import { type Digest, type Referrer, type Repository, repositoryText } from '../../../lib/core/index.ts'
import { denied, isOut } from './upstream-answers.ts'

/** Bytes of lists that are remembered; what was used longest ago goes first. */
const MAX_BYTES = 16 * 1024 * 1024
/** A list that is read page by page is asked for once, however short it counts as fresh. */
const READING_MS = 30_000
/** Of a list in memory, besides its entries as JSON. */
const OVERHEAD_BYTES = 500

/** What an upstream said of a subject. */
interface KnownList {
  /** In the order of the digests; undefined: the upstream does not list referrers. */
  readonly referrers: readonly Referrer[] | undefined
  readonly bytes: number
  readonly askedAtMs: number
  readonly askedMs: number
}

/** Lists of referrers of upstreams. */
export interface UpstreamReferrers {
  /**
   * A page of what the upstream lists, asked for at most once in the time that a tag counts as fresh; of an upstream that is
   * out the last list, with its time. Empty, and not `merged`, when the upstream lists none, or is out and nothing is known:
   * then the fallback tag, which comes as every tag does, says what there is.
   */
  list(
    upstream: Upstream,
    repository: Repository,
    subject: Digest,
    options?: ReferrerPageOptions,
  ): Promise<ReferrerPage>
}

export interface UpstreamReferrersComponents {
  readonly clock: Clock
}

export function upstreamReferrers(
  { clock }: UpstreamReferrersComponents,
  { freshMs }: { readonly freshMs: (registry: Repository['registry']) => number },
): UpstreamReferrers {
  const memory = byteCache<KnownList>(MAX_BYTES, ({ bytes }) => bytes)
  const ask = async (
    upstream: Upstream,
    { name }: Repository,
    {
      subject,
      key,
      signal,
    }: { readonly subject: Digest; readonly key: string; readonly signal?: AbortSignal | undefined },
  ): Promise<KnownList> => {
    const [askedAtMs, askedMs] = [clock.now(), clock.monotonicMs()]
    const listed = await denied(upstream.referrers(name, subject, { signal }))
    const referrers = listed?.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
    const bytes = Buffer.byteLength(JSON.stringify(referrers ?? [])) + key.length + OVERHEAD_BYTES
    const known = { referrers, bytes, askedAtMs, askedMs }
    memory.set(key, known)
    return known
  }
  return {
    async list(upstream, repository, subject, { last, signal } = {}) {
      const key = `${repositoryText(repository)} ${subject}`
      const known = memory.get(key)
      const countsMs = Math.max(freshMs(repository.registry), last === undefined ? 0 : READING_MS)
      if (known !== undefined && clock.monotonicMs() < known.askedMs + countsMs) return pageOf(known, last)
      try {
        return pageOf(await ask(upstream, repository, { subject, key, signal }), last)
      } catch (err) {
        if (!isOut(err)) throw err
        if (known === undefined) return { referrers: [] }
        return { ...pageOf(known, last), staleSinceMs: Math.max(0, known.askedAtMs) }
      }
    },
  }
}

function pageOf({ referrers }: KnownList, last: Digest | undefined): ReferrerPage {
  if (referrers === undefined) return { referrers: [] }
  const behind = last === undefined ? referrers : referrers.filter(({ digest }) => digest > last)
  const page = behind.slice(0, MAX_REFERRERS)
  const end = page.at(-1)
  return {
    referrers: page,
    merged: true,
    ...(end !== undefined && page.length < behind.length && { next: end.digest }),
  }
}
