import { isIPv4 } from 'node:net'
import { isJson, type Json, type KubeObject, keyOf } from '../kubernetes/index.ts'
import type { CachePod, NodeKind } from './rules/cache-pod.ts'

/** What is kept of a pod. */
export interface PodFacts extends Pick<CachePod, 'pod' | 'address' | 'node' | 'ready' | 'leaving' | 'drained'> {
  readonly metadata: KubeObject['metadata']
}

/** What is kept of a node. */
export type NodeFacts = Pick<CachePod, 'zone' | 'kind' | 'cordoned'>

/** Asks that no client be sent to a pod any more; any value but `false`. */
export const DRAIN_ANNOTATION = 'shoal/drain'
const ZONE_LABELS = ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone']

const fieldsOf = (value: unknown): Json => (isJson(value) ? value : {})
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** Fields of other types than they should have count as missing. */
export function podFacts(object: KubeObject): PodFacts {
  const { metadata } = object
  const [spec, status] = [fieldsOf(object['spec']), fieldsOf(object['status'])]
  const { name, namespace, uid, annotations = {} } = metadata
  const addresses = [status['podIP'], ...listOf(status['podIPs']).map((one) => fieldsOf(one)['ip'])]
  const conditions = listOf(status['conditions']).map(fieldsOf)
  const phase = textOf(status['phase'])
  return {
    metadata: { name, namespace, uid },
    pod: keyOf(object),
    address: addresses.map(textOf).find((address) => address !== undefined && isIPv4(address)),
    node: textOf(spec['nodeName']),
    ready: conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    leaving: metadata['deletionTimestamp'] !== undefined || phase === 'Succeeded' || phase === 'Failed',
    drained: (annotations[DRAIN_ANNOTATION] ?? 'false') !== 'false',
  }
}

/** `virtualNodes`: the label, `name=value`, of nodes that are no machines. */
export function nodeFacts(object: KubeObject, virtualNodes: string): NodeFacts {
  const { labels = {} } = object.metadata
  const [name = '', value] = virtualNodes.split('=')
  const kind: NodeKind = labels[name] === value ? 'virtual' : 'node'
  const zone = ZONE_LABELS.map((label) => labels[label]).find((found) => found !== undefined && found !== '')
  return { kind, zone, cordoned: fieldsOf(object['spec'])['unschedulable'] === true }
}

/** A pod whose node is not known yet counts as one of an ordinary node in no zone. */
export const cachePod = ({ metadata: _, ...pod }: PodFacts, node: NodeFacts | undefined): CachePod => ({
  ...pod,
  ...(node ?? { kind: 'node', zone: undefined, cordoned: false }),
})
