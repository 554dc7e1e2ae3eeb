import { appError } from '../../../lib/base/index.ts'

/** A kind of object, as the paths of the API name it. Any kind can be described, also those of custom resources. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  /** As in paths: `pods`. */
  readonly plural: string
  /** As in objects: `Pod`. */
  readonly kind: string
  readonly namespaced: boolean
}

const core = (plural: string, kind: string, namespaced = true): Resource => ({
  ...{ group: '', version: 'v1', plural, kind, namespaced },
})

const inGroup = (group: string, plural: string, kind: string): Resource => ({ ...core(plural, kind), group })

/** The kinds that the roles of the controller use. */
export const resources = {
  pods: core('pods', 'Pod'),
  nodes: core('nodes', 'Node', false),
  events: core('events', 'Event'),
  namespaces: core('namespaces', 'Namespace', false),
  services: core('services', 'Service'),
  configMaps: core('configmaps', 'ConfigMap'),
  secrets: core('secrets', 'Secret'),
  volumeClaims: core('persistentvolumeclaims', 'PersistentVolumeClaim'),
  quotas: core('resourcequotas', 'ResourceQuota'),
  limitRanges: core('limitranges', 'LimitRange'),
  statefulSets: inGroup('apps', 'statefulsets', 'StatefulSet'),
  networkPolicies: inGroup('networking.k8s.io', 'networkpolicies', 'NetworkPolicy'),
  disruptionBudgets: inGroup('policy', 'poddisruptionbudgets', 'PodDisruptionBudget'),
  leases: { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true },
} as const satisfies Readonly<Record<string, Resource>>

/** Where an object of a kind is. */
export interface ObjectRef {
  readonly name: string
  /** Default: the namespace of the client; it does not count for kinds without namespaces. */
  readonly namespace?: string | undefined
}

/** `apiVersion` of the objects of a kind. */
export const apiVersionOf = ({ group, version }: Resource): string => (group === '' ? version : `${group}/${version}`)

/** What may be a segment of a path; names of all kinds are narrower than this. */
const segment = /^[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}$/

const checked = (text: string, what: string): string => {
  if (!segment.test(text)) throw appError('KUBE_INVALID', { message: `this is no ${what}: ${JSON.stringify(text)}` })
  return encodeURIComponent(text)
}

/** The path of all objects of a kind: in one namespace, or in all of them when it is undefined. @throws KUBE_INVALID */
export function collectionPath(resource: Resource, namespace: string | undefined): string {
  const { group, version, plural, namespaced } = resource
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const inside = namespaced && namespace !== undefined ? `/namespaces/${checked(namespace, 'namespace')}` : ''
  return `${root}${inside}/${plural}`
}

/** The path of one object. @throws KUBE_INVALID */
export const objectPath = (resource: Resource, { name, namespace }: ObjectRef): string =>
  `${collectionPath(resource, namespace)}/${checked(name, 'name')}`
