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

/** A pod that is there, and what it asks for: CPUs, and bytes. */
export interface Running {
  readonly component: Component
  readonly cpu: number
  readonly memory: number
}

/**
 * The most that pods ask for together on the way to what the spec asks for: those that are there yet ask for what they were
 * made with. A quota below this would refuse the first pod that is made anew, and what is to become less could never do so.
 */
export function roomOf(
  spec: ControlPlaneSpec,
  replicas: Readonly<Record<Component, number>>,
  running: readonly Running[],
): Pick<Needs, 'cpu' | 'memory'> {
  const most = (component: Component, of: 'cpu' | 'memory') => {
    const there = running.filter((pod) => pod.component === component).map((pod) => pod[of])
    return Math.max(replicas[component], there.length) * Math.max(amountOf(sizeOf(component, spec)[of]), ...there)
  }
  const sum = (of: 'cpu' | 'memory') => componentNames.reduce((all, component) => all + most(component, of), 0)
  return { cpu: sum('cpu'), memory: sum('memory') }
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
 * Most of the cluster that the namespace may take; more than a limit only until the pods from before are gone. Volumes of origins that have left stay, so those count that there are
 * already.
 */
export function quotaOf(
  spec: ControlPlaneSpec,
  {
    needs,
    room,
    keptVolumes,
  }: {
    readonly needs: Needs
    readonly room: Pick<Needs, 'cpu' | 'memory'>
    readonly keptVolumes: { readonly count: number; readonly bytes: number }
  },
): object {
  const { limits, network } = spec
  const balancers = network.loadBalancer ? needs.pods : 0
  const memory =
    limits.memory !== undefined && amountOf(limits.memory) >= room.memory ? limits.memory : String(room.memory)
  return {
    pods: String(needs.pods),
    'requests.cpu': limits.cpu !== undefined && amountOf(limits.cpu) >= room.cpu ? limits.cpu : cpuText(room.cpu),
    'requests.memory': memory,
    'limits.memory': memory,
    'requests.storage': limits.storage ?? String(needs.storage + keptVolumes.bytes),
    persistentvolumeclaims: String(needs.volumes + keptVolumes.count),
    'services.loadbalancers': String(balancers),
  }
}
