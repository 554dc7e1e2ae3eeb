import {
  background,
  type Clock,
  lifecycle,
  type ProvenCache,
  provenCache,
  type Random,
  type Startable,
} from '../../base/index.ts'
import { glob, OWN_REGISTRY, type RegistryHost, type Repository } from '../../core/index.ts'
import type { HttpClient, HttpClientComponents } from '../../http/index.ts'
import type { Logger, Metrics } from '../../telemetry/index.ts'
import type { UpstreamRule } from './config.ts'
import { rateLimits, type SeeLimits } from './rate-limits.ts'
import { type OpenUpstream, openUpstream, type Upstream } from './upstream.ts'
import { upstreamHttp } from './upstream-http.ts'

/**
 * Upstreams of rules with `*` of which logins, pauses, budgets and breaks are remembered: those that have given nothing
 * yet, as names that somebody made up, and those that have.
 */
const MAX_NEW = 128
const MAX_PROVEN = 256

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
  const opened = ({ rule, http, onAnswer }: OpenRule, registry: RegistryHost): OpenUpstream => {
    const upstream = openUpstream(
      {
        ...{ ...components, http, onAnswer },
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
  return {
    ...lifecycle([...open.map(({ http }) => http), running]),
    at(registry) {
      if (registry === OWN_REGISTRY) return undefined
      const rule = open.find(({ fits }) => fits.test(registry))
      if (rule === undefined) return undefined
      return named.get(registry) ?? others.get(registry) ?? opened(rule, registry)
    },
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
