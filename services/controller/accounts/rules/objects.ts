import { digestHex, digestOf } from '../../../../lib/core/index.ts'
import { type KubeObject, type Resource, resources } from '../../kubernetes/index.ts'
import type { ControlPlaneSpec } from '../resource/config.ts'
import type { ControlPlane } from '../resource/control-plane.ts'
import { type Component, componentFacts, componentNames } from './component.ts'
import { type BackendKeys, configOf, type Place, secretsFileOf, type Tokens, valuesOf } from './configs.ts'
import { needsOf, quotaOf, type Running, roomOf } from './limits.ts'
import { labelsOf } from './marks.ts'
import { networkPolicies } from './policies.ts'
import { amountOf } from './quantity.ts'
import { balancer, disruptionBudget, headlessService, sizeOf, statefulSet } from './workloads.ts'

/** An object as it is to be. */
export interface Desired {
  readonly resource: Resource
  readonly object: KubeObject
}

/** A certificate with its key, in PEM. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

/** A volume that is there. */
export interface Claim {
  readonly name: string
  readonly size: string
}

export interface ObjectsInit {
  readonly plane: Pick<ControlPlane, 'name' | 'uid'>
  readonly spec: ControlPlaneSpec
  readonly place: Place
  readonly tokens: Tokens
  readonly keys: BackendKeys
  readonly authority: Pick<Certificate, 'certificate'>
  readonly certificates: Readonly<Record<Component, Certificate>>
  /** Images and numbers of pods, as the rollout has come. */
  readonly images: Readonly<Record<Component, string>>
  readonly replicas: Readonly<Record<Component, number>>
  readonly claims: readonly Claim[]
  readonly pods: readonly Running[]
  readonly controllerNamespace: string
  readonly clusterNetworks: readonly string[]
  readonly nameServers: readonly string[]
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const hashOf = (value: unknown): string => digestHex(digestOf(Buffer.from(JSON.stringify(value))))

const desired = (resource: Resource, object: object): Desired => ({ resource, object: object as KubeObject })

/** Everything that an account has in its namespace, besides what is made once. The namespace itself is not among it. */
export function objectsOf(init: ObjectsInit): readonly Desired[] {
  const { spec, place } = init
  const common = { labels: labelsOf(init.plane), namespace: place.namespace }
  return [
    ...guards(init, common),
    ...componentNames.flatMap((component) => componentObjects(component, init, common)),
    desired(resources.secrets, {
      metadata: { ...common, name: 'shoal-agents' },
      type: 'Opaque',
      data: {
        'secrets.yaml': base64(JSON.stringify({ secrets: { node: valuesOf(init.tokens, 'node') } })),
        'ca.crt': base64(init.authority.certificate),
      },
    }),
    ...(spec.network.loadBalancer
      ? componentNames.flatMap((component) =>
          Array.from({ length: init.replicas[component] }, (_, ordinal) =>
            desired(resources.services, balancer({ component, ordinal }, spec, common)),
          ),
        )
      : []),
  ]
}

type Common = Pick<KubeObject['metadata'], never> & {
  readonly labels: Readonly<Record<string, string>>
  readonly namespace: string
}

/** What keeps the account within its bounds; it stands before anything runs. */
function guards({ spec, replicas, claims, pods, ...init }: ObjectsInit, common: Common): readonly Desired[] {
  const needs = needsOf(spec, replicas)
  const kept = claims.filter(({ name }) => !isInUse(name, replicas))
  const keptVolumes = { count: kept.length, bytes: kept.reduce((sum, { size }) => sum + amountOf(size), 0) }
  return [
    ...networkPolicies(spec, { ...init, ...common }).map((policy) => desired(resources.networkPolicies, policy)),
    desired(resources.quotas, {
      metadata: { ...common, name: 'account' },
      spec: { hard: quotaOf(spec, { needs, room: roomOf(spec, replicas, pods), keptVolumes }) },
    }),
    desired(resources.limitRanges, {
      metadata: { ...common, name: 'account' },
      // Whoever starts a pod here without saying what it needs gets little.
      spec: {
        limits: [{ type: 'Container', default: { memory: '256Mi' }, defaultRequest: { cpu: '100m', memory: '128Mi' } }],
      },
    }),
  ]
}

/** Whether a claim is that of a pod that there is to be: `data-origin-2`. */
const isInUse = (claim: string, replicas: Readonly<Record<Component, number>>): boolean =>
  componentNames.some((component) => {
    const [, ordinal] = new RegExp(`^data-${componentFacts[component].name}-(\\d+)$`).exec(claim) ?? []
    return ordinal !== undefined && Number(ordinal) < replicas[component]
  })

function componentObjects(component: Component, init: ObjectsInit, common: Common): readonly Desired[] {
  const { spec, place, tokens, keys, authority, certificates, images, replicas } = init
  const { name } = componentFacts[component]
  const config = configOf(component, spec, place)
  const secrets = secretsFileOf(component, spec, { tokens, keys })
  const { certificate, key } = certificates[component]
  const workload = {
    ...common,
    image: images[component],
    replicas: replicas[component],
    // Of random secrets besides: nobody finds out a key by its hash.
    configHash: hashOf([config, secrets]),
  }
  const tls = { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': authority.certificate }
  return [
    desired(resources.configMaps, {
      metadata: { ...common, name },
      data: { 'config.yaml': JSON.stringify(config, undefined, 2) },
    }),
    desired(resources.secrets, {
      metadata: { ...common, name: `${name}-secrets` },
      type: 'Opaque',
      data: { 'secrets.yaml': base64(JSON.stringify(secrets)) },
    }),
    desired(resources.secrets, {
      metadata: { ...common, name: `${name}-tls` },
      type: 'kubernetes.io/tls',
      data: Object.fromEntries(Object.entries(tls).map(([file, text]) => [file, base64(text)])),
    }),
    desired(resources.services, headlessService(component, workload)),
    ...(sizeOf(component, spec).replicas > 1
      ? [desired(resources.disruptionBudgets, disruptionBudget(component, common))]
      : []),
    desired(resources.statefulSets, statefulSet(component, spec, workload)),
  ]
}
