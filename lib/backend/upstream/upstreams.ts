import {
  background,
  type Clock,
  countCache,
  type LinearPattern,
  lifecycle,
  type ProvenCache,
  provenCache,
  type Random,
  type Startable,
  starPattern,
} from '../../base/index.ts'
import { OWN_REGISTRY, type RegistryHost, type Repository } from '../../core/index.ts'
import type { HttpClient, HttpClientComponents } from '../../http/index.ts'
import type { Logger, Metrics } from '../../telemetry/index.ts'
import { rangedWeb } from '../web/ranged-web.ts'
import type { UpstreamRule } from './config.ts'
import { budgets } from './rate-limits.ts'
import { type HeardNews, TRUST_MS, type UpstreamNews, type UpstreamTalk, type UpstreamTold } from './shared-ways.ts'
import { type OpenUpstream, openUpstream, type Upstream, type UpstreamStanding } from './upstream.ts'
import { upstreamHttp } from './upstream-http.ts'

/**
 * Upstreams of rules with `*` of which logins, pauses, budgets and breaks are remembered: those that have given nothing
 * yet, as names that somebody made up, and those that have.
 */
const MAX_NEW = 128
const MAX_PROVEN = 256
/** Repositories of upstreams of which it is known what the cluster said a moment ago. */
const MAX_HEARD = 10_000

/** Registries of others, any number of them by a few rules. */
export interface Upstreams extends Startable {
  /** Undefined when no rule fits the registry, as for our own. */
  at(registry: Repository['registry']): Upstream | undefined
  /** What this process knows that others ask before they ask an upstream; nothing of one that was never asked for here. */
  news(repository: Repository): UpstreamNews
  /** What another process has found out. */
  hear(repository: Repository, told: UpstreamTold): void
  /** What this process knows of each. */
  standings(): readonly UpstreamStanding[]
}

export interface UpstreamsComponents extends HttpClientComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  /** Shares what is found out with the other processes; without it each finds out for itself. */
  readonly talk?: UpstreamTalk | undefined
}

/** A rule with what all its upstreams share. */
interface OpenRule {
  readonly rule: UpstreamRule
  readonly fits: LinearPattern
  readonly http: HttpClient
}

export function openUpstreams(components: UpstreamsComponents, rules: readonly UpstreamRule[]): Upstreams {
  const newBudget = budgets(components)
  const heard: HeardNews = countCache(components.clock, { maxEntries: MAX_HEARD, ttlMs: TRUST_MS })
  const web = rangedWeb(components.clock)
  const open = rules.map((rule): OpenRule => {
    return { rule, fits: starPattern(rule.registry), http: upstreamHttp(components, rule) }
  })
  /** Of rules without `*`, one for each at most. */
  const named = new Map<string, OpenUpstream>()
  const others: ProvenCache<OpenUpstream> = provenCache({
    ...{ maxNew: MAX_NEW, maxProven: MAX_PROVEN },
    isInUse: ({ isInUse }) => isInUse,
  })
  const change = changes(components)
  const newTasks = () => background((name, err) => components.logger.warn('background task failed', { name, err }))
  let tasks = newTasks()
  const running: Startable = {
    async start() {
      tasks = newTasks()
    },
    stop: () => tasks.stop(),
  }
  const opened = ({ rule, http }: OpenRule, registry: RegistryHost): OpenUpstream => {
    const upstream = openUpstream(
      {
        ...{ ...components, http, web, heard, talk: components.talk },
        newBudget: (onChanged) => newBudget(rule.registry, onChanged),
        onChange: (isBroken) => change(registry, isBroken),
        onFound: () => others.prove(registry),
        tasks: { run: (name, work) => tasks.run(name, work) },
      },
      { registry, rule },
    )
    if (rule.registry.includes('*')) others.add(registry, upstream)
    else named.set(registry, upstream)
    return upstream
  }
  const at = (registry: Repository['registry']): OpenUpstream | undefined => {
    if (registry === OWN_REGISTRY) return undefined
    const rule = open.find(({ fits }) => fits.fits(registry))
    if (rule === undefined) return undefined
    return named.get(registry) ?? others.get(registry) ?? opened(rule, registry)
  }
  return {
    ...lifecycle([...open.map(({ http }) => http), running]),
    at,
    news: ({ registry, name }) => (named.get(registry) ?? others.get(registry))?.news(name) ?? {},
    hear: ({ registry, name }, told) => at(registry)?.hear(name, told),
    standings: () => [...named.values(), ...[...others.entries()].map(([, each]) => each)].map((each) => each.standing),
  }
}

function changes({ logger, metrics }: UpstreamsComponents) {
  const breaks = metrics
    .counter({
      name: 'shoal_upstream_breaks_total',
      help: 'How often the way to an upstream registry was found broken.',
    })
    .with({})
  return (registry: string, isBroken: boolean) => {
    if (isBroken) breaks.add()
    if (isBroken) logger.warn('an upstream registry does not answer', { registry })
    else logger.info('an upstream registry answers again', { registry })
  }
}
