import type { ControlPlaneSpec } from '../resource/config.ts'
import { type Component, componentNames } from './component.ts'
import { amountOf, cpuText } from './quantity.ts'
import { sizeOf } from './workloads.ts'

/** What all pods of an account ask for together: CPUs, and bytes. */
export interface Needs {
  readonly pods: number
  readonly volumes: number
  readonly cpu: number
  readonly memory: number
  readonly storage: number
}

const NOTHING: Needs = { pods: 0, volumes: 0, cpu: 0, memory: 0, storage: 0 }

/** `replicas`: as many as there are now where that is more than the spec asks for. */
export function needsOf(spec: ControlPlaneSpec, replicas: Readonly<Record<Component, number>>): Needs {
  return componentNames.reduce<Needs>((sum, component) => {
    const { cpu, memory, volume } = sizeOf(component, spec)
    const count = replicas[component]
    return {
      pods: sum.pods + count,
      volumes: sum.volumes + (volume === undefined ? 0 : count),
      cpu: sum.cpu + count * amountOf(cpu),
      memory: sum.memory + count * amountOf(memory),
      storage: sum.storage + (volume === undefined ? 0 : count * amountOf(volume.size)),
    }
  }, NOTHING)
}

/** Which limit is too small for what the account asks for, in words; undefined: none. */
export function limitTrouble({ limits }: ControlPlaneSpec, needs: Needs): string | undefined {
  const over = (['cpu', 'memory', 'storage'] as const).flatMap((name) => {
    const limit = limits[name]
    if (limit === undefined || needs[name] <= amountOf(limit)) return []
    const asked = name === 'cpu' ? `${needs.cpu} CPUs` : `${needs[name]} bytes of ${name}`
    return [`the components ask for ${asked} together, and spec.limits.${name} is ${limit}`]
  })
  return over.length === 0 ? undefined : over.join('; ')
}

/**
 * Most of the cluster that the namespace may take. Volumes of origins that have left stay, so those count that there are
 * already.
 */
export function quotaOf(
  spec: ControlPlaneSpec,
  {
    needs,
    keptVolumes,
  }: { readonly needs: Needs; readonly keptVolumes: { readonly count: number; readonly bytes: number } },
): object {
  const { limits, network } = spec
  const balancers = network.loadBalancer ? componentNames.length : 0
  return {
    pods: String(needs.pods),
    'requests.cpu': limits.cpu ?? cpuText(needs.cpu),
    'requests.memory': limits.memory ?? String(needs.memory),
    'limits.memory': limits.memory ?? String(needs.memory),
    'requests.storage': limits.storage ?? String(needs.storage + keptVolumes.bytes),
    persistentvolumeclaims: String(needs.volumes + keptVolumes.count),
    'services.loadbalancers': String(balancers),
  }
}
