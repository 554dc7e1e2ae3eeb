import { type Kube, resources } from '../kubernetes/index.ts'
import type { NamesConfig } from './config.ts'
import { cachePod, type NodeFacts, nodeFacts, type PodFacts, podFacts } from './pods.ts'
import type { CachePod } from './rules/cache-pod.ts'
import type { NamesRule } from './rules/judge.ts'

/** Which pods are looked at, and what is kept of them. */
export function whichPods(kube: Pick<Kube, 'namespace'>, { labels, namespace: given }: NamesConfig) {
  const selector = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  return {
    resource: resources.pods,
    // Known only after the start.
    get namespace() {
      return given ?? kube.namespace
    },
    labels: selector.join(','),
    keep: podFacts,
  }
}

/** The same of nodes: all of them. */
export const whichNodes = ({ virtualNodes }: NamesConfig) => ({
  resource: resources.nodes,
  keep: (object: Parameters<typeof nodeFacts>[0]) => nodeFacts(object, virtualNodes),
})

/** Pods with what is known of the nodes under them, by the names of those. */
export const podsOnNodes = (
  pods: Iterable<PodFacts>,
  nodeNamed: (name: string) => NodeFacts | undefined,
): readonly CachePod[] => [...pods].map((pod) => cachePod(pod, nodeNamed(pod.node ?? '')))

export const ruleOf = ({ base = '', kinds, zones, perZone, most, settle, replace }: NamesConfig): NamesRule => ({
  ...{ base, kinds, zones, perZone, most, settleMs: settle, replaceMs: replace },
})
