import { type AbortOptions, appError, type Background, type Clock, type Random } from '../../base/index.ts'
import type { Digest, Referrer, RegistryHost, RepositoryName } from '../../core/index.ts'
import type { HttpClient, HttpClientComponents } from '../../http/index.ts'
import type { Metrics } from '../../telemetry/index.ts'
import { type Governor, governor, governorPauses } from '../governor.ts'
import { defaultBackendLimits } from '../limits-config.ts'
import {
  onlyRead,
  type RegistryParts,
  type RegistryRepository,
  registryCredentials,
  registryRepository,
} from '../registry/registry.ts'
import { registryManifests } from '../registry/registry-manifests.ts'
import { registryNames } from '../registry/registry-names.ts'
import { registryReferrers } from '../registry/registry-referrers.ts'
import { registrySession, scopes } from '../registry/registry-session.ts'
import type { RangedWeb } from '../web/ranged-web.ts'
import { refusalOf } from '../web/web-client.ts'
import { callerSession, refusedBy, type UpstreamCaller } from './caller-session.ts'
import type { UpstreamRule } from './config.ts'
import { boundedGovernor, guardedGovernor } from './guarded-governor.ts'
import type { Budget, UpstreamBudget } from './rate-limits.ts'
import { type HeardNews, sharedWays, type UpstreamNews, type UpstreamTalk, type UpstreamTold } from './shared-ways.ts'
import { upstreamUrl } from './upstream-url.ts'
import { type UpstreamUsage, upstreamUsage } from './upstream-usage.ts'
import { upstreamWays } from './upstream-ways.ts'

/** Tries of one request within `wait`. */
const ATTEMPTS = 2
/** No name of a repository: what is asked of the upstream itself. */
const ITSELF = '' as RepositoryName

/** What can be read of an upstream registry. Every method: @throws UPSTREAM_UNREACHABLE, and what a `Registry` throws. */
export interface UpstreamReads {
  repository(name: RepositoryName): RegistryRepository
  /** As `RegistryNames.tags`. */
  tags(name: RepositoryName, options?: AbortOptions): Promise<readonly string[] | undefined>
  /** As `RegistryReferrers.list`. */
  referrers(name: RepositoryName, subject: Digest, options?: AbortOptions): Promise<readonly Referrer[] | undefined>
}

/** What somebody else may read there. Every method: @throws UNAUTHORIZED with the challenge of the upstream, DENIED besides. */
export interface CallerReads extends UpstreamReads {
  /** `GET /v2/`, by which clients learn how to log in. */
  ping(options?: AbortOptions): Promise<void>
}

/** An upstream registry, for reading. */
export interface Upstream extends UpstreamReads {
  /** The upstream as it shows itself to somebody else, without any login of ours. */
  as(caller: UpstreamCaller): CallerReads
}

/** What a process knows of an upstream. Times in milliseconds. */
export interface UpstreamStanding extends Pick<UpstreamUsage, 'requests' | 'lastError'> {
  readonly registry: RegistryHost
  /** The pattern of the rule that it fits. */
  readonly rule: string
  /** Until it is pinged again; undefined while it is not known to be out. */
  readonly outForMs: number | undefined
  readonly budget: UpstreamBudget | undefined
}

/** An upstream with what this process knows of it. */
export interface OpenUpstream extends Upstream {
  /** Somebody waits for an answer. */
  readonly isInUse: boolean
  readonly standing: UpstreamStanding
  news(repository: RepositoryName): UpstreamNews
  hear(repository: RepositoryName, told: UpstreamTold): void
}

export interface OpenUpstreamComponents extends HttpClientComponents {
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  readonly http: HttpClient
  /** What all upstreams share of reads in ranges. */
  readonly web: RangedWeb
  readonly newBudget: (onChange: () => void) => Budget
  /** Told when the upstream is found out, and when it answers again. */
  readonly onChange: (isBroken: boolean) => void
  /** Told when it has given something that was asked for. */
  readonly onFound: () => void
  readonly tasks: Pick<Background, 'run'>
  /** Undefined for a process that talks to no other one. */
  readonly talk: UpstreamTalk | undefined
  readonly heard: HeardNews
}

export interface OpenUpstreamInit {
  readonly registry: RegistryHost
  readonly rule: UpstreamRule
}

export function openUpstream(components: OpenUpstreamComponents, init: OpenUpstreamInit): OpenUpstream {
  const { clock, talk } = components
  const { registry, rule } = init
  const budget = components.newBudget(() => {
    untold.budget = true
  })
  const { session, bounded, pause, ping, asCaller } = connection(components, init, budget)
  const untold = { budget: false, pauseUntilMs: 0 }
  const allowed = () => ({ pausedForMs: Math.ceil(pause.remainingMs) || undefined, budget: budget.known })
  const ways = upstreamWays(components, { registry, waitMs: rule.wait, ping })
  const onNews = (news: Pick<UpstreamNews, 'budget' | 'pausedForMs'>) => {
    if (news.budget !== undefined) budget.hear(news.budget)
    if (news.pausedForMs === undefined) return
    pause.hear(news.pausedForMs)
    untold.pauseUntilMs = pause.untilMs
  }
  const shared = talk === undefined ? ways : sharedWays({ ...components, talk, ways, onNews }, registry)
  const use = upstreamUsage(components)
  /** Others hear in the background what the last answer said. */
  const tell = (repository: RepositoryName) => {
    const isNew = untold.budget || (pause.remainingMs > 0 && pause.untilMs > untold.pauseUntilMs)
    if (!isNew || talk === undefined) return
    Object.assign(untold, { budget: false, pauseUntilMs: pause.untilMs })
    components.tasks.run('tell what an upstream allows', (signal) =>
      talk.tell(registry, repository, allowed(), { signal }),
    )
  }
  const guarded = (name: RepositoryName, plain: Governor) =>
    use.watched(guardedGovernor({ governor: plain, ways: shared }, name))
  const partsOf = (name: RepositoryName, plain = bounded): RegistryParts => {
    const governed = guarded(name, plain)
    const request: Governor['request'] = (...asked) => governed.request(...asked).finally(() => tell(name))
    return { session, clock, ranged: { web: components.web, host: registry }, governor: { ...governed, request } }
  }
  return {
    repository(name) {
      const manifests = registryManifests(partsOf(name, thrifty(bounded, budget)), name)
      return onlyRead({ ...registryRepository(partsOf(name), name, { chunkBytes: 1 }), manifests })
    },
    tags: (name, options) => registryNames(partsOf(name)).tags(name, options),
    referrers: (name, subject, options) => registryReferrers(partsOf(name)).list(name, subject, options),
    as: (caller) => callerReads(asCaller(caller), clock, guarded),
    get isInUse() {
      return use.isInUse
    },
    get standing() {
      const { requests, lastError } = use
      const leftMs = ways.brokenFor()
      const outForMs = leftMs === undefined ? undefined : Math.ceil(leftMs)
      return { registry, rule: rule.registry, outForMs, requests, lastError, budget: budget.known }
    },
    news: (repository) => ({ refusedForMs: ways.refusedFor(repository), ...allowed() }),
    hear(repository, told) {
      if (told.silent === true) ways.suspect(repository)
      onNews(told)
    },
  }
}

interface OwnConnection extends Pick<RegistryParts, 'session'> {
  readonly bounded: Governor
  readonly url: URL
}

/** What one caller reads, by his own connection. */
function callerReads(
  { session, bounded, url }: OwnConnection,
  clock: Clock,
  guarded: (name: RepositoryName, plain: Governor) => Governor,
): CallerReads {
  const partsOf = (name: RepositoryName): RegistryParts => ({ session, clock, governor: guarded(name, bounded) })
  return {
    repository: (name) => onlyRead(registryRepository(partsOf(name), name, { chunkBytes: 1 })),
    tags: (name, options) => registryNames(partsOf(name)).tags(name, options),
    referrers: (name, subject, options) => registryReferrers(partsOf(name)).list(name, subject, options),
    ping: (options) => pinged(partsOf(ITSELF), url, options),
  }
}

function connection(components: OpenUpstreamComponents, { registry, rule }: OpenUpstreamInit, budget: Budget) {
  const { clock, http } = components
  const { wait: answer, stall, requests, read } = rule
  const url = upstreamUrl(rule, registry)
  const credentials = registryCredentials(components, { ...rule, host: registry })
  const parts = { http, clock, onAnswer: (seen: Parameters<Budget['see']>[0]) => budget.see(seen) }
  const session = registrySession(parts, { url, credentials })
  const governed = (pause = governorPauses(components)) =>
    boundedGovernor(
      governor(
        components,
        { ...defaultBackendLimits, ...{ answer, stall, requests, read, wait: answer, attempts: ATTEMPTS } },
        pause,
      ),
      clock,
      answer,
    )
  const pause = governorPauses(components)
  const bounded = governed(pause)
  /** Whatever it answers: also a refusal shows that the way is whole. */
  const ping = (options: AbortOptions) =>
    bounded.request(
      'stat',
      async (signal) => {
        await (await session.send({ method: 'GET', at: '', scope: scopes.none, signal })).discard()
      },
      options,
    )
  /** A pause that is asked of one caller is none of the others. */
  const asCaller = (caller: UpstreamCaller): OwnConnection => ({
    ...{ session: callerSession({ http, clock }, { url, caller }), bounded: governed(), url: new URL(url) },
  })
  return { session, bounded, pause, ping, asCaller }
}

function pinged({ session, governor: guard, clock }: RegistryParts, base: URL, options: AbortOptions = {}) {
  return guard.request(
    'stat',
    async (signal) => {
      const answer = await session.send({ method: 'GET', at: '', scope: scopes.none, signal })
      const refused = refusedBy(answer, base)
      if (refused === undefined && answer.status >= 500) throw await refusalOf(answer, clock)
      await answer.discard()
      if (refused !== undefined) throw refused
    },
    options,
  )
}

/** Reads no manifest while the upstream allows none; a HEAD costs nothing there, nor do blobs of manifests read before. */
function thrifty(governed: Governor, budget: Budget): Governor {
  return {
    ...governed,
    async request(operation, ...rest) {
      const retryAfterMs = operation === 'read' ? budget.spentForMs : undefined
      if (retryAfterMs === undefined) return governed.request(operation, ...rest)
      const message = 'the upstream allows no more pulls now'
      throw appError('BACKEND_THROTTLED', { message, detail: { retryAfterMs: Math.ceil(retryAfterMs), queued: true } })
    },
  }
}
