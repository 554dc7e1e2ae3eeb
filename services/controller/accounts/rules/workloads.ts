import type { ControlPlaneSpec } from '../resource/config.ts'
import { type Component, componentFacts, portOf } from './component.ts'
import { paths } from './configs.ts'
import { COMPONENT } from './marks.ts'

/** What a StatefulSet is made of besides the spec of the account. */
export interface WorkloadInit {
  readonly image: string
  readonly replicas: number
  /** Changes whenever its config or its secrets do: then its pods are replaced. */
  readonly configHash: string
  readonly labels: Readonly<Record<string, string>>
  readonly namespace: string
}

/** The user of the image. */
const USER = 10_001
/** Files that the group of the image reads, and nobody else. */
const SECRET_MODE = 0o440
/** More than the time in which a service ends what is under way. */
const GRACE_SECONDS = 60

export const replicasOf = (component: Component, spec: ControlPlaneSpec): number =>
  ({ tracker: spec.trackers, origin: spec.origins, buildIndex: spec.buildIndexes })[component].replicas

export const sizeOf = (component: Component, spec: ControlPlaneSpec) =>
  ({ tracker: spec.trackers, origin: spec.origins, buildIndex: { ...spec.buildIndexes, volume: undefined } })[component]

/** What the pods of a component are selected by: it never changes. */
export const selectorOf = (component: Component) => ({ [COMPONENT]: componentFacts[component].name })

const ports = (component: Component) =>
  Object.entries(componentFacts[component].ports).map(([name, port]) => ({ name, port }))

const probe = (path: string, more: object) => ({
  httpGet: { path, port: 'ops', scheme: 'HTTP' },
  ...more,
})

function container(component: Component, spec: ControlPlaneSpec, image: string): object {
  const { cpu, memory } = sizeOf(component, spec)
  const { name } = componentFacts[component]
  return {
    ...{ name: 'shoal', image },
    args: [name, '--config', `${paths.config}/config.yaml`, '--secrets', `${paths.secrets}/secrets.yaml`],
    env: [{ name: 'SHOAL__member', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }],
    ports: ports(component).map(({ name: port, port: containerPort }) => ({
      ...{ name: port, containerPort, protocol: 'TCP' },
    })),
    resources: { requests: { cpu, memory }, limits: { memory } },
    startupProbe: probe('/healthz', { periodSeconds: 2, failureThreshold: 60 }),
    livenessProbe: probe('/healthz', { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }),
    readinessProbe: probe('/readyz', { periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 }),
    securityContext: {
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'config', mountPath: paths.config, readOnly: true },
      { name: 'secrets', mountPath: paths.secrets, readOnly: true },
      { name: 'tls', mountPath: paths.tls, readOnly: true },
      { name: 'data', mountPath: paths.data },
    ],
  }
}

function podSpec(component: Component, spec: ControlPlaneSpec, image: string): object {
  const { name } = componentFacts[component]
  const secret = (volume: string, secretName: string) => ({
    ...{ name: volume, secret: { secretName, defaultMode: SECRET_MODE } },
  })
  return {
    ...{ automountServiceAccountToken: false, enableServiceLinks: false, terminationGracePeriodSeconds: GRACE_SECONDS },
    securityContext: {
      ...{ runAsNonRoot: true, runAsUser: USER, runAsGroup: USER, fsGroup: USER },
      ...{ fsGroupChangePolicy: 'OnRootMismatch', seccompProfile: { type: 'RuntimeDefault' } },
    },
    topologySpreadConstraints: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
      ...{ maxSkew: 1, topologyKey, whenUnsatisfiable: 'ScheduleAnyway' },
      labelSelector: { matchLabels: selectorOf(component) },
    })),
    containers: [container(component, spec, image)],
    volumes: [
      { name: 'config', configMap: { name, defaultMode: 0o444 } },
      secret('secrets', `${name}-secrets`),
      secret('tls', `${name}-tls`),
      ...(component === 'buildIndex' ? [{ name: 'data', emptyDir: {} }] : []),
    ],
  }
}

/** The StatefulSet of a component. Origins are replaced by the controller, one after the other; the others by Kubernetes. */
export function statefulSet(component: Component, spec: ControlPlaneSpec, init: WorkloadInit): object {
  const { name } = componentFacts[component]
  const { volume } = sizeOf(component, spec)
  const { labels, namespace, replicas } = init
  return {
    metadata: { name, namespace, labels: { ...labels, ...selectorOf(component) } },
    spec: {
      ...{ serviceName: name, replicas, podManagementPolicy: 'Parallel' },
      selector: { matchLabels: selectorOf(component) },
      updateStrategy: { type: component === 'origin' ? 'OnDelete' : 'RollingUpdate' },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      template: {
        metadata: {
          labels: { ...labels, ...selectorOf(component) },
          annotations: { 'shoal.dev/config': init.configHash },
        },
        spec: podSpec(component, spec, init.image),
      },
      ...(volume !== undefined && {
        volumeClaimTemplates: [
          {
            ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' } },
            spec: {
              ...{ accessModes: ['ReadWriteOnce'], resources: { requests: { storage: volume.size } } },
              ...(volume.storageClass !== undefined && { storageClassName: volume.storageClass }),
            },
          },
        ],
      }),
    },
  }
}

/** By which the pods of a component find each other; also those that are not ready yet, which wait for each other. */
export const headlessService = (component: Component, { labels, namespace }: Omit<WorkloadInit, 'image'>): object => ({
  metadata: { name: componentFacts[component].name, namespace, labels: { ...labels, ...selectorOf(component) } },
  spec: {
    ...{ clusterIP: 'None', publishNotReadyAddresses: true, selector: selectorOf(component) },
    ports: ports(component).map(({ name, port }) => ({ name, port, targetPort: name, protocol: 'TCP' })),
  },
})

/**
 * Where clients of the account reach one pod: members of a ring are not alike, and a balancer that chooses among them would
 * break it. It shows the pod the address of who calls, which policies look at.
 */
export function balancer(
  { component, ordinal }: PodPlace,
  { network }: ControlPlaneSpec,
  { labels, namespace }: Pick<WorkloadInit, 'labels' | 'namespace'>,
): object {
  const { name, clientPorts } = componentFacts[component]
  return {
    metadata: {
      ...{ name: balancerName({ component, ordinal }), namespace, labels: { ...labels, [COMPONENT]: name } },
      ...(network.annotations !== undefined && { annotations: network.annotations }),
    },
    spec: {
      ...{ type: 'LoadBalancer', externalTrafficPolicy: 'Local', selector: podSelector({ component, ordinal }) },
      loadBalancerSourceRanges: network.allowedCidrs,
      ports: clientPorts.map((port) => ({
        ...{ name: port, port: portOf(component, port), targetPort: port, protocol: 'TCP' },
      })),
    },
  }
}

/** One pod of a StatefulSet. */
export interface PodPlace {
  readonly component: Component
  readonly ordinal: number
}

export const podName = ({ component, ordinal }: PodPlace): string => `${componentFacts[component].name}-${ordinal}`

/** By the label that Kubernetes gives each pod of a StatefulSet. */
const podSelector = (place: PodPlace) => ({
  ...selectorOf(place.component),
  'statefulset.kubernetes.io/pod-name': podName(place),
})

export const balancerName = (place: PodPlace): string => `${podName(place)}-lb`

/** Of a component, at most one pod is taken away at a time by whoever empties nodes. */
export const disruptionBudget = (
  component: Component,
  { labels, namespace }: Pick<WorkloadInit, 'labels' | 'namespace'>,
): object => ({
  metadata: { name: componentFacts[component].name, namespace, labels },
  spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(component) } },
})
