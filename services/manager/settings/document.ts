import { type SteeredHost, type SteeringDocument, type SteeringLayer, steeringRules } from '../../../lib/api/index.ts'
import type { Values } from './diff.ts'
import { isOfCluster, rankOf, type Scope } from './scope.ts'
import { isEverybody, type Share } from './share.ts'
import type { SlotName } from './slot.ts'

export interface WantedVersion {
  readonly version: number
  readonly values: Values
}

/** What the hosts of a slot are to have. */
export interface WantedSlot extends SlotName {
  /** The generation in which it changed last. */
  readonly touched: number
  /** Of all whom no roll-out gives another one. */
  readonly wanted: WantedVersion | undefined
  /** Of those in its share, in place of that. */
  readonly coming?: (WantedVersion & { readonly share: Share; readonly rollout: string }) | undefined
}

type LayerShare = SteeringLayer['share']

/** The generation that the hosts of a cluster are to run; 0 as long as nothing was ever set for it. */
export const generationFor = (cluster: string, slots: readonly WantedSlot[]): number =>
  Math.max(0, ...slots.filter(({ scope }) => isOfCluster(scope, cluster)).map(({ touched }) => touched))

/** A version, for the hosts of a share. */
export const layerId = (version: number): string => `v${version}`

const scopeOf = ({ of, name }: Scope): SteeringLayer['scope'] => {
  if (of === 'zone') return { zone: name }
  return of === 'host' ? { hosts: [name] } : { all: true }
}

/** The shares of one cluster that make up a share: hosts by name, and a part of all. */
function sharesIn(cluster: string, { share, rollout }: { readonly share: Share; readonly rollout: string }) {
  if (isEverybody(share)) return [undefined]
  const named = share.hosts[cluster] ?? []
  return [
    ...(named.length > 0 ? [{ hosts: [...named] }] : []),
    ...(share.percent === undefined ? [] : [{ percent: share.percent, salt: rollout }]),
  ] satisfies LayerShare[]
}

interface LayerInit {
  readonly cluster: string
  /** At least that of the layers before, since of two layers that are alike the later generation counts. */
  readonly generation: number
}

function layersOf(slot: WantedSlot, { cluster, generation }: LayerInit): readonly SteeringLayer[] {
  const { kind, scope, wanted, coming } = slot
  const common = { generation, kind, scope: scopeOf(scope) }
  const base = wanted === undefined ? [] : [{ ...common, id: layerId(wanted.version), values: wanted.values }]
  const shares = coming === undefined ? [] : sharesIn(cluster, coming)
  const replaces = wanted === undefined ? {} : { replaces: layerId(wanted.version) }
  const next = shares.map((share, at) => ({
    ...{ ...common, ...replaces, id: `${layerId(coming?.version ?? 0)}${at === 0 ? '' : `.${at}`}` },
    ...{ values: coming?.values ?? {}, ...(share !== undefined && { share }) },
  }))
  return [...base, ...next]
}

/**
 * What the trackers of a cluster are to know; undefined as long as nothing was ever set for it. The same slots give the
 * same document at every manager.
 */
export function documentOf(
  cluster: string,
  slots: readonly WantedSlot[],
  manager: string,
): SteeringDocument | undefined {
  const own = slots
    .filter(({ scope }) => isOfCluster(scope, cluster))
    .toSorted((a, b) => rankOf(a.scope) - rankOf(b.scope) || a.touched - b.touched)
  if (own.length === 0) return undefined
  let generation = 0
  const layers = own.flatMap((slot) => {
    generation = Math.max(generation, slot.touched)
    return layersOf(slot, { cluster, generation })
  })
  return { manager, generation, layers }
}

export interface HostTest {
  /** The slot is for the host. */
  readonly inScope: (host: SteeredHost) => boolean
  /** The host is to have the version that comes. */
  readonly isMember: (host: SteeredHost) => boolean
}

/** Who of a cluster is who in a roll-out, by the rules that its trackers follow. */
export function hostTest(
  cluster: string,
  { kind, scope }: SlotName,
  coming: { readonly share: Share; readonly rollout: string },
): HostTest {
  const layer = { kind, scope: scopeOf(scope), generation: 1, values: {} }
  const rules = (layers: readonly SteeringLayer[]) =>
    steeringRules({ manager: '-', generation: 1, layers: [...layers] })
  const all = rules(isOfCluster(scope, cluster) ? [{ ...layer, id: 'all' }] : [])
  const shares = isOfCluster(scope, cluster) ? sharesIn(cluster, coming) : []
  const some = rules(
    shares.map((each, at) => ({ ...layer, id: String(at), ...(each !== undefined && { share: each }) })),
  )
  return {
    inScope: (host) => all.of(host).layers.length > 0,
    isMember: (host) => some.of(host).layers.length > 0,
  }
}
