import { isJson, type Json, type KubeObject, type Resource, resources } from '../../kubernetes/index.ts'
import { byComponent, type Component, componentFacts, componentNames } from '../rules/component.ts'
import { COMPONENT } from '../rules/marks.ts'
import type { Claim } from '../rules/objects.ts'
import { amountOf } from '../rules/quantity.ts'
import type { SeenPod, SeenSet } from '../rules/rollout.ts'
import { balancerName, podName } from '../rules/workloads.ts'
import type { AccountTurn } from './context.ts'

/** A name or an address by which clients reach a pod. */
export interface Endpoint {
  readonly pod: string
  readonly address: string
}

/** What runs in the namespace of an account. */
export interface Observed {
  readonly sets: Readonly<Partial<Record<Component, SeenSet>>>
  readonly pods: readonly SeenPod[]
  readonly claims: readonly Claim[]
  /** Where each pod is reached through its balancers. */
  readonly endpoints: Readonly<Record<Component, readonly Endpoint[]>>
}

/** More objects of one kind than an account has. */
const PAGE = 500

const fieldsOf = (value: unknown): Json => (isJson(value) ? value : {})
const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isJson) : [])
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const countOf = (value: unknown): number => (typeof value === 'number' ? value : 0)

const componentOf = ({ metadata }: KubeObject): Component | undefined =>
  componentNames.find((component) => componentFacts[component].name === metadata.labels?.[COMPONENT])

export async function observe({ reads, place, signal }: AccountTurn): Promise<Observed> {
  const all = async (resource: Resource) =>
    (await reads.page(resource, { namespace: place.namespace, limit: PAGE }, { signal })).objects
  const sets = await all(resources.statefulSets)
  const pods = await all(resources.pods)
  const services = await all(resources.services)
  const claims = await all(resources.volumeClaims)
  return {
    sets: Object.fromEntries(
      sets.flatMap((object) => {
        const component = componentOf(object)
        const isOurs = component !== undefined && componentFacts[component].name === object.metadata.name
        return isOurs ? [[component, seenSet(object)]] : []
      }),
    ),
    pods: pods.flatMap((object) => seenPod(object) ?? []),
    claims: claims.map((object) => ({
      name: object.metadata.name,
      size: textOf(fieldsOf(fieldsOf(fieldsOf(object['spec'])['resources'])['requests'])['storage']),
    })),
    endpoints: endpointsIn(services),
  }
}

export function seenSet(object: KubeObject): SeenSet {
  const [spec, status] = [fieldsOf(object['spec']), fieldsOf(object['status'])]
  const [container = {}] = listOf(fieldsOf(fieldsOf(spec['template'])['spec'])['containers'])
  return {
    image: textOf(container['image']),
    replicas: countOf(spec['replicas']),
    isObserved: countOf(status['observedGeneration']) >= countOf(object.metadata['generation']),
    revision: textOf(status['updateRevision']),
  }
}

export function seenPod(object: KubeObject): SeenPod | undefined {
  const component = componentOf(object)
  const { name, uid = '', labels = {}, deletionTimestamp } = object.metadata
  const [, ordinal] = /-(\d+)$/.exec(name) ?? []
  if (component === undefined || ordinal === undefined) return undefined
  const status = fieldsOf(object['status'])
  const [state = {}] = listOf(status['containerStatuses'])
  const waiting = fieldsOf(fieldsOf(state['state'])['waiting'])
  const why = textOf(waiting['reason'])
  const [container = {}] = listOf(fieldsOf(object['spec'])['containers'])
  const { cpu, memory } = fieldsOf(fieldsOf(container['resources'])['requests'])
  return {
    ...{ name, uid, component, ordinal: Number(ordinal) },
    isReady: listOf(status['conditions']).some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    revision: labels['controller-revision-hash'] ?? '',
    isLeaving: deletionTimestamp !== undefined,
    ...{ cpu: amountOf(textOf(cpu)), memory: amountOf(textOf(memory)) },
    why: ['', 'ContainerCreating', 'PodInitializing'].includes(why) ? undefined : why,
  }
}

function endpointsIn(services: readonly KubeObject[]): Observed['endpoints'] {
  return byComponent((component) =>
    services.flatMap((service) => {
      const ordinal = Number(/-(\d+)-lb$/.exec(service.metadata.name)?.[1])
      if (balancerName({ component, ordinal }) !== service.metadata.name) return []
      const ingress = listOf(fieldsOf(fieldsOf(service['status'])['loadBalancer'])['ingress'])
      return ingress.flatMap(({ ip, hostname }) => {
        const address = textOf(ip) || textOf(hostname)
        return address === '' ? [] : [{ pod: podName({ component, ordinal }), address }]
      })
    }),
  )
}
