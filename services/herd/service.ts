import { lifecycle, type Startable } from '../../lib/base/index.ts'
import { loadConfig } from '../../lib/config/index.ts'
import type { PullSummary } from '../../lib/swarm/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'
import { type AgentComponents, agentSchema, agentService } from '../agent/index.ts'
import { buildIndexSchema, buildIndexService } from '../build-index/index.ts'
import { type OriginComponents, originSchema, originService } from '../origin/index.ts'
import { proxySchema, proxyService } from '../proxy/index.ts'
import { trackerSchema, trackerService } from '../tracker/index.ts'
import type { HerdPlan, InstancePlan, ServiceKind } from './plan.ts'

export interface HerdComponents {
  readonly logger: Logger
  /** Told every pull that has ended, with the id of its agent. */
  readonly onPull: (agent: string, summary: PullSummary) => void
  /** Parts that tests put into the services. */
  readonly agentParts?: (id: string) => AgentComponents
  readonly originParts?: (id: string) => OriginComponents
}

export interface HerdInit {
  readonly plan: HerdPlan
  /** `agent.limits.upload=20MB/s`: a service, then one of its keys. */
  readonly overrides: readonly string[]
}

const overridesFor = (kind: ServiceKind, instance: InstancePlan, all: readonly string[]): readonly string[] => [
  ...Object.entries(instance.config).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
  ...all.filter((text) => text.startsWith(`${kind}.`)).map((text) => text.slice(kind.length + 1)),
]

/**
 * Every service of the plan in this process, started in the order in which they need each other.
 * @throws CONFIG_INVALID, PORT_IN_USE
 */
export async function herdService(components: HerdComponents, { plan, overrides }: HerdInit): Promise<Startable> {
  const configs = <S extends Parameters<typeof loadConfig>[0]>(kind: ServiceKind, schema: S) =>
    Promise.all(
      plan[kind].map(async (instance) => ({
        id: instance.id,
        logger: components.logger.child({ instance: instance.id }),
        config: await loadConfig(schema, { overrides: overridesFor(kind, instance, overrides) }),
      })),
    )
  const buildIndexes = await configs('buildIndex', buildIndexSchema)
  const trackers = await configs('tracker', trackerSchema)
  const origins = await configs('origin', originSchema)
  const agents = await configs('agent', agentSchema)
  const proxies = await configs('proxy', proxySchema)
  return lifecycle([
    ...buildIndexes.map(({ logger, config }) => buildIndexService({ logger }, config)),
    ...trackers.map(({ logger, config }) => trackerService({ logger }, config)),
    ...origins.map(({ id, logger, config }) => originService({ logger, ...components.originParts?.(id) }, config)),
    ...agents.map(({ id, logger, config }) =>
      agentService(
        {
          logger,
          onPull: (summary) => components.onPull(id, summary),
          ...components.agentParts?.(id),
        },
        config,
      ),
    ),
    ...proxies.map(({ logger, config }) => proxyService({ logger }, config)),
  ])
}
