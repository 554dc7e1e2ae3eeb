import type { Resource } from '../../../services/controller/kubernetes/index.ts'

/** How the server treats the objects of a kind. */
export interface Kind extends Resource {
  /** Its status is written apart from the rest. Default false. */
  readonly hasStatus?: boolean
  /** A PUT without a version replaces whatever is there. Default false. */
  readonly unconditional?: boolean
  /** Fields that can be selected by, beside name and namespace. */
  readonly fields?: readonly string[]
}

const core = (plural: string, kind: string, more: Partial<Kind> = {}): Kind => ({
  ...{ group: '', version: 'v1', plural, kind, namespaced: true, unconditional: true },
  ...more,
})

export const knownKinds: readonly Kind[] = [
  core('namespaces', 'Namespace', { namespaced: false, hasStatus: true }),
  core('nodes', 'Node', { namespaced: false, hasStatus: true, fields: ['spec.unschedulable'] }),
  core('pods', 'Pod', { hasStatus: true, fields: ['spec.nodeName', 'status.phase', 'status.podIP'] }),
  core('services', 'Service', { hasStatus: true }),
  core('configmaps', 'ConfigMap'),
  core('secrets', 'Secret', { fields: ['type'] }),
  core('persistentvolumeclaims', 'PersistentVolumeClaim', { hasStatus: true }),
  core('resourcequotas', 'ResourceQuota', { hasStatus: true }),
  core('limitranges', 'LimitRange'),
  core('statefulsets', 'StatefulSet', { group: 'apps', hasStatus: true }),
  core('networkpolicies', 'NetworkPolicy', { group: 'networking.k8s.io' }),
  core('poddisruptionbudgets', 'PodDisruptionBudget', { group: 'policy', hasStatus: true }),
  core('events', 'Event', { fields: ['involvedObject.name', 'involvedObject.kind', 'reason', 'type'] }),
  { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true },
]

/** `apiVersion` of the objects of a kind. */
export const apiVersionOf = ({ group, version }: Resource): string => (group === '' ? version : `${group}/${version}`)
