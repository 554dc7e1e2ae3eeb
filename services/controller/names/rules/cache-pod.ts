/** What runs the pods of a node: a machine of the cluster, or a service that only poses as a node (VCI, virtual kubelet). */
export type NodeKind = 'node' | 'virtual'

/** What the rules know of a pod that may be a cache, and of the node under it. */
export interface CachePod {
  /** `namespace/name`, for people. */
  readonly pod: string
  /** IPv4, since records are of the type A; undefined as long as the pod has none. */
  readonly address: string | undefined
  readonly node: string | undefined
  readonly zone: string | undefined
  readonly kind: NodeKind
  /** The condition `Ready` of the pod. */
  readonly ready: boolean
  /** It is being deleted, or it has ended. */
  readonly leaving: boolean
  /** An annotation asks that it be drained. */
  readonly drained: boolean
  /** Its node takes no new pods, as before a drain of the node. */
  readonly cordoned: boolean
}

/** What trackers say of the node at an address. */
export interface CacheLoad {
  readonly bytesPerSecond: number
  /** Drained, or banned, at a tracker. */
  readonly mark?: 'drained' | 'banned' | undefined
}

/** Why no record names a pod. `probe`: its data port did not answer the controller; `surplus`: others were chosen. */
export type LeftOut =
  | 'address'
  | 'banned'
  | 'cordoned'
  | 'drained'
  | 'kind'
  | 'leaving'
  | 'probe'
  | 'readiness'
  | 'settling'
  | 'surplus'
  | 'zone'

/** Whom readers must be led away from, and told so: the cache itself works. */
const DRAINING: readonly LeftOut[] = ['drained', 'cordoned']

export const isDraining = (why: LeftOut | undefined): boolean => why !== undefined && DRAINING.includes(why)

/** What else is known of a pod when it is judged. */
export interface Witness {
  /** Whether its data port answers: undefined as long as it has not been asked often enough. */
  readonly answers: boolean | undefined
  readonly load: CacheLoad | undefined
}

/** Which pods may be caches. */
export interface CacheRule {
  readonly kinds: readonly NodeKind[]
  /** Empty: any. */
  readonly zones: readonly string[]
}

/** Why a pod may not be named; undefined when it may. */
export function leftOut(pod: CachePod, { answers, load }: Witness, rule: CacheRule): LeftOut | undefined {
  if (!rule.kinds.includes(pod.kind)) return 'kind'
  if (rule.zones.length > 0 && !rule.zones.includes(pod.zone ?? '')) return 'zone'
  if (pod.leaving) return 'leaving'
  if (pod.address === undefined) return 'address'
  if (pod.drained) return 'drained'
  if (pod.cordoned) return 'cordoned'
  if (load?.mark !== undefined) return load.mark
  if (!pod.ready) return 'readiness'
  return answers === true ? undefined : 'probe'
}
