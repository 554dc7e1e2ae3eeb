import {
  type AbortOptions,
  type Breaker,
  breaker,
  byteCache,
  type Clock,
  lifecycle,
  type Random,
  type Startable,
} from '../../base/index.ts'
import { glob, OWN_REGISTRY, type RegistryHost, type Repository, type RepositoryName } from '../../core/index.ts'
import type { HttpClient, HttpClientComponents } from '../../http/index.ts'
import type { Logger, Metrics } from '../../telemetry/index.ts'
import { type Governor, governor } from '../governor.ts'
import { defaultBackendLimits } from '../limits-config.ts'
import {
  onlyRead,
  type RegistryParts,
  type RegistryRepository,
  registryCredentials,
  registryRepository,
} from '../registry/registry.ts'
import { type RegistryNames, registryNames } from '../registry/registry-names.ts'
import { registrySession, scopes } from '../registry/registry-session.ts'
import { refusalOf } from '../web/web-client.ts'
import { callerSession, refusedBy, type UpstreamCaller } from './caller-session.ts'
import type { UpstreamRule } from './config.ts'
import { guardedGovernor, unreachable, upstreamVerdict } from './guarded-governor.ts'
import { rateLimits, type SeeLimits } from './rate-limits.ts'
import { upstreamHttp } from './upstream-http.ts'
import { upstreamUrl } from './upstream-url.ts'

/** Upstreams whose logins, pauses and budgets are remembered; of more, the one that was asked longest ago begins anew. */
const MAX_UPSTREAMS = 256
/** Upstreams in trouble that are remembered. */
const MAX_BROKEN = 1000
/** Between two probes of an upstream that does not answer. */
const PAUSE = { baseMs: 1_000, maxMs: 30_000 }
/** So many failures in a row that an upstream answers itself count as no answer. */
const DOUBTS = 5
/** Tries of one request within `wait`. */
const ATTEMPTS = 2

/** An upstream registry, for reading. Every method: @throws UPSTREAM_UNREACHABLE, and what a `Registry` throws. */
export interface UpstreamReads {
  repository(name: RepositoryName): RegistryRepository
  readonly names: Pick<RegistryNames, 'tags'>
}

/** What somebody else may read there. Every method: @throws UNAUTHORIZED with the challenge of the upstream, DENIED besides. */
export interface CallerReads extends UpstreamReads {
  /** `GET /v2/`, by which clients learn how to log in. */
  ping(options?: AbortOptions): Promise<void>
}

export interface Upstream extends UpstreamReads {
  /** The upstream as it shows itself to somebody else, without any login of ours. */
  as(caller: UpstreamCaller): CallerReads
}

/** Registries of others, any number of them by a few rules. */
export interface Upstreams extends Startable {
  /** Undefined when no rule fits the registry, as for our own. */
  at(registry: Repository['registry']): Upstream | undefined
}

export interface UpstreamsComponents extends HttpClientComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

/** A rule with what all its upstreams share. */
interface OpenRule {
  readonly rule: UpstreamRule
  readonly fits: RegExp
  readonly http: HttpClient
  readonly onAnswer: SeeLimits
}

export function openUpstreams(components: UpstreamsComponents, rules: readonly UpstreamRule[]): Upstreams {
  const limits = rateLimits(components.metrics)
  const open = rules.map((rule): OpenRule => {
    const { registry } = rule
    return {
      rule,
      fits: glob(registry),
      http: upstreamHttp(components, rule),
      onAnswer: limits(registry),
    }
  })
  const ways = upstreamBreaker(components)
  const known = byteCache<Upstream>(MAX_UPSTREAMS, () => 1)
  return {
    ...lifecycle(open.map(({ http }) => http)),
    at(registry) {
      if (registry === OWN_REGISTRY) return undefined
      const rule = open.find(({ fits }) => fits.test(registry))
      if (rule === undefined) return undefined
      const upstream = known.get(registry) ?? openUpstream({ ...components, ways }, rule, registry)
      known.set(registry, upstream)
      return upstream
    },
  }
}

function upstreamBreaker({ logger, metrics, ...components }: UpstreamsComponents): Breaker {
  const breaks = metrics
    .counter({
      name: 'shoal_upstream_breaks_total',
      help: 'How often the way to an upstream registry was found broken.',
    })
    .with({})
  return breaker(components, {
    maxNames: MAX_BROKEN,
    pause: PAUSE,
    doubts: DOUBTS,
    verdict: upstreamVerdict,
    broken: unreachable,
    onChange(registry, isBroken) {
      if (isBroken) breaks.add()
      if (isBroken) logger.warn('an upstream registry does not answer', { registry })
      else logger.info('an upstream registry answers again', { registry })
    },
  })
}

interface UpstreamComponents extends UpstreamsComponents {
  readonly ways: Breaker
}

function openUpstream(
  components: UpstreamComponents,
  { rule, http, onAnswer }: OpenRule,
  registry: RegistryHost,
): Upstream {
  const { clock, ways } = components
  const { wait: answer, stall, requests, read } = rule
  const url = upstreamUrl(rule, registry)
  const credentials = registryCredentials(components, { ...rule, host: registry })
  const session = registrySession({ http, clock, onAnswer }, { url, credentials })
  const governed = () =>
    governor(components, {
      ...defaultBackendLimits,
      ...{ answer, stall, requests, read, wait: answer, attempts: ATTEMPTS },
    })
  const plain = governed()
  /** Whatever it answers: also a refusal shows that the way is whole. */
  const probe = () =>
    plain.request('stat', async (signal) => {
      await (await session.send({ method: 'GET', at: '', scope: scopes.none, signal })).discard()
    })
  const guarded = (own: Governor) =>
    guardedGovernor({ governor: own, breaker: ways, clock }, { registry, waitMs: answer, probe })
  return {
    ...readsOf({ session, clock, governor: guarded(plain) }),
    as(caller) {
      const own = callerSession({ http, clock }, { url, caller })
      // A pause that is asked of one caller is none of the others.
      const parts: RegistryParts = { session: own, clock, governor: guarded(governed()) }
      return { ...readsOf(parts), ping: (options) => pinged(parts, new URL(url), options) }
    },
  }
}

function readsOf(parts: RegistryParts): UpstreamReads {
  return {
    repository: (name) => onlyRead(registryRepository(parts, name, { chunkBytes: 1 })),
    names: registryNames(parts),
  }
}

function pinged({ session, governor, clock }: RegistryParts, base: URL, options: AbortOptions = {}): Promise<void> {
  return governor.request(
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
