import { createHash } from 'node:crypto'
import { seenPod } from '../../../services/controller/accounts/account/observe.ts'
import { amountOf } from '../../../services/controller/accounts/rules/quantity.ts'
import { resources } from '../../../services/controller/kubernetes/index.ts'
import type { Fields, Stored } from '../kube-server/stored.ts'
import type { MemoryKube } from './memory-kube.ts'

/** What the controllers of Kubernetes and the kubelets do with StatefulSets, one step after the other. */
export interface ClusterLife {
  /** Each StatefulSet and each pod comes one step further. */
  tick(): void
  /** Images that no node can run. */
  readonly brokenImages: Set<string>
  /** The most pods of one StatefulSet that were missing or not ready at a moment after it had been whole. */
  readonly worst: Map<string, number>
}

const field = (value: unknown, name: string): Fields => ((value as Fields | undefined)?.[name] ?? {}) as Fields

const requestOf = (podSpec: unknown, of: string): number => {
  const [container] = field({ podSpec }, 'podSpec')['containers'] as readonly Fields[]
  return amountOf(`${(field(field(container, 'resources'), 'requests') as Readonly<Record<string, string>>)[of] ?? 0}`)
}

const revisionOf = (template: unknown): string =>
  createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10)

export function clusterLife(kube: MemoryKube): ClusterLife {
  const brokenImages = new Set<string>()
  const whole = new Set<string>()
  const worst = new Map<string, number>()

  const keyOf = (namespace: string | undefined, name: unknown) => `${namespace}/${String(name)}`
  const podsBySet = () => {
    const groups = new Map<string, Stored[]>()
    for (const pod of kube.all(resources.pods)) {
      const key = keyOf(pod.metadata.namespace, pod.metadata['ofSet'])
      groups.set(key, [...(groups.get(key) ?? []), pod])
    }
    return groups
  }
  const isReady = (pod: Stored) => seenPod(pod)?.isReady === true
  const revision = (pod: Stored) => pod.metadata.labels?.['controller-revision-hash']
  const ordinal = (pod: Stored) => Number(/-(\d+)$/.exec(pod.metadata.name)?.[1])

  const ripen = (pod: Stored): Stored => {
    const [container] = field(pod, 'spec')['containers'] as readonly Fields[]
    const isBroken = brokenImages.has(String(container?.['image']))
    const waiting = { containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff' } } }] }
    const status = isBroken ? waiting : { conditions: [{ type: 'Ready', status: 'True' }] }
    if (isReady(pod) || (isBroken && pod['status'] !== undefined)) return pod
    return kube.put(resources.pods, { ...pod, status })
  }

  /** As the admission of Kubernetes: quotas count what the pods that are there ask for. */
  const hasRoom = (namespace: string, podSpec: unknown) => {
    const quotas = kube.all(resources.quotas).filter(({ metadata }) => metadata.namespace === namespace)
    const there = kube.all(resources.pods).filter(({ metadata }) => metadata.namespace === namespace)
    const specs = [...there.map((pod) => pod['spec']), podSpec]
    return quotas.every((quota) => {
      const hard = field(field(quota, 'spec'), 'hard')
      const sum = (of: string) => specs.reduce<number>((all, spec) => all + requestOf(spec, of), 0)
      return ['cpu', 'memory'].every((of) => sum(of) <= amountOf(String(hard[`requests.${of}`])))
    })
  }

  const create = (
    { metadata: { name, namespace = '' }, spec: given }: Stored,
    before: readonly Stored[],
    current: string,
  ) => {
    const spec = given as Fields
    const template = field(spec, 'template')
    for (let at = 0; at < Number(spec['replicas']); at += 1) {
      if (before.some((pod) => ordinal(pod) === at)) continue
      if (!hasRoom(namespace, template['spec'])) return
      const labels = { ...field(field(template, 'metadata'), 'labels'), 'controller-revision-hash': current }
      kube.put(resources.pods, {
        metadata: { name: `${name}-${at}`, namespace, labels, ofSet: name },
        spec: template['spec'],
      })
      if (spec['volumeClaimTemplates'] !== undefined)
        kube.put(resources.volumeClaims, { metadata: { name: `data-${name}-${at}`, namespace }, spec: claimSpec(spec) })
    }
  }

  const live = (set: Stored, pods: readonly Stored[]) => {
    const { name, namespace = '' } = set.metadata
    const spec = field(set, 'spec')
    const template = field(spec, 'template')
    const wanted = Number(spec['replicas'])
    const current = revisionOf(template)
    const before = pods.map(ripen)
    const ready = before.filter(isReady)
    const key = `${namespace}/${name}`
    if (ready.length >= wanted) whole.add(key)
    if (whole.has(key)) worst.set(key, Math.max(worst.get(key) ?? 0, wanted - ready.length))
    for (const pod of before) if (ordinal(pod) >= wanted) kube.drop(resources.pods, pod.metadata.name, namespace)
    create(set, before, current)
    const isRolling = field(spec, 'updateStrategy')['type'] === 'RollingUpdate'
    const outdated = before.filter((pod) => revision(pod) !== current).toSorted((a, b) => ordinal(b) - ordinal(a))
    const next = outdated.find((pod) => !isReady(pod)) ?? outdated[0]
    const others = before.filter((pod) => pod !== next && !isReady(pod))
    if (isRolling && before.length === wanted && next !== undefined && others.length === 0)
      kube.drop(resources.pods, next.metadata.name, namespace)
    const status = { observedGeneration: set.metadata.generation, updateRevision: current, readyReplicas: ready.length }
    if (JSON.stringify(set['status']) !== JSON.stringify(status)) kube.put(resources.statefulSets, { ...set, status })
  }

  const claimSpec = (spec: Fields) => field((spec['volumeClaimTemplates'] as readonly Fields[])[0], 'spec')

  return {
    ...{ brokenImages, worst },
    tick() {
      const sets = kube.all(resources.statefulSets)
      const pods = podsBySet()
      for (const set of sets) live(set, pods.get(keyOf(set.metadata.namespace, set.metadata.name)) ?? [])
      const known = new Set(sets.map(({ metadata }) => keyOf(metadata.namespace, metadata.name)))
      for (const [key, left] of pods) {
        if (known.has(key)) continue
        for (const { metadata } of left)
          if (metadata['ofSet'] !== undefined) kube.drop(resources.pods, metadata.name, metadata.namespace)
      }
    },
  }
}
