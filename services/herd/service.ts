import { appError, lifecycle, nearest, type Startable } from '../../lib/base/index.ts'
import { loadConfig } from '../../lib/config/index.ts'
import { type Running, type Runtime, type ServiceKind, serviceKinds, serviceRuntime } from '../../lib/service/index.ts'
import type { PullSummary } from '../../lib/swarm/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'
import type { AgentComponents } from '../agent/index.ts'
import type { ManagerComponents } from '../manager/index.ts'
import type { OriginComponents } from '../origin/index.ts'
import type { TrackerComponents } from '../tracker/index.ts'
import { doors } from './doors.ts'
import type { HerdPlan, InstancePlan } from './plan.ts'

export interface HerdComponents {
  readonly logger: Logger
  /** Called when a pull has ended, with the id of the agent. */
  readonly onPull: (agent: string, summary: PullSummary) => void
  /** Called at the start while nobody may sign in at the manager, with a link that makes the first admin. Default: it is logged. */
  readonly onFirstAdminLink?: (link: string) => void
  /** Replacements for parts of the services, given by tests. */
  readonly agentParts?: (id: string) => AgentComponents
  readonly originParts?: (id: string) => OriginComponents
  readonly trackerParts?: (id: string) => TrackerComponents
}

export interface HerdInit {
  readonly plan: HerdPlan
  /** For example `agent.limits.upload=20MB/s`: a service, then one of its config keys. */
  readonly overrides: readonly string[]
}

/** @throws CONFIG_INVALID when an override names no service */
function assertOverrides(overrides: readonly string[]): void {
  for (const text of overrides) {
    const kind = text.split('.', 1)[0] ?? ''
    if (text.includes('.') && serviceKinds.some((each) => each === kind)) continue
    const meant = nearest(kind, serviceKinds)
    const hint = meant === undefined ? `it starts with one of ${serviceKinds.join(', ')}` : `did you mean "${meant}"?`
    throw appError('CONFIG_INVALID', { message: `"${text}" sets no key of a service; ${hint}` })
  }
}

const overridesFor = (kind: ServiceKind, instance: InstancePlan, all: readonly string[]): readonly string[] => [
  ...Object.entries(instance.config).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
  ...all.filter((text) => text.startsWith(`${kind}.`)).map((text) => text.slice(kind.length + 1)),
]

/** Each behind those that it needs; the manager needs nobody, and others join it. */
const startOrder: readonly ServiceKind[] = ['manager', ...serviceKinds.filter((kind) => kind !== 'manager')]

/** The replacements that the herd and tests give to an instance. */
function partsFor(
  components: HerdComponents,
  kind: ServiceKind,
  id: string,
): AgentComponents | OriginComponents | TrackerComponents | ManagerComponents {
  const { onFirstAdminLink } = components
  if (kind === 'manager') return onFirstAdminLink === undefined ? {} : { onFirstAdminLink }
  if (kind === 'origin') return components.originParts?.(id) ?? {}
  if (kind === 'tracker') return components.trackerParts?.(id) ?? {}
  if (kind !== 'agent') return {}
  return { onPull: (summary: PullSummary) => components.onPull(id, summary), ...components.agentParts?.(id) }
}

/**
 * Runs every service of the plan in this process. Each service starts after the services that it needs.
 * @throws CONFIG_INVALID, INSECURE_BIND
 */
export async function herdService(components: HerdComponents, { plan, overrides }: HerdInit): Promise<Running> {
  assertOverrides(overrides)
  const runtimes: Runtime[] = []
  const services: Startable[] = []
  for (const kind of startOrder) {
    for (const instance of plan[kind]) {
      const config = await loadConfig(doors[kind].schema, { overrides: overridesFor(kind, instance, overrides) })
      const parts = partsFor(components, kind, instance.id)
      const logger = components.logger.child({ instance: instance.id })
      const runtime = serviceRuntime(kind, config, { logger, ...parts })
      runtimes.push(runtime)
      services.push(doors[kind].make({ ...parts, ...runtime }, config))
    }
  }
  return { service: lifecycle(services), runtimes }
}
