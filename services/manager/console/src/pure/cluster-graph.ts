import type { SeenRelation } from '../state/relations.ts'

/** A cluster in the picture, on a circle. */
export interface GraphNode {
  readonly name: string
  readonly x: number
  readonly y: number
  /** Where its name stands: outside of the circle, where no arrow is. */
  readonly label: { readonly x: number; readonly y: number; readonly anchor: 'start' | 'middle' | 'end' }
}

/** `off`: nothing goes. `broken`: the other cluster does not answer. `unknown`: nobody has said. */
export type EdgeState = 'on' | 'off' | 'broken' | 'unknown'

/** Which cluster replicates to which, from the rim of the one to that of the other. */
export interface GraphEdge {
  readonly from: string
  readonly to: string
  readonly state: EdgeState
  readonly x1: number
  readonly y1: number
  readonly x2: number
  readonly y2: number
}

export interface ClusterGraph {
  readonly size: number
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
}

/** More than so many clusters are told in the table alone. */
export const MAX_PICTURED = 24
/** How far an arrow ends before the middle of a cluster, and how far it is moved aside from the one that comes back. */
const RIM = 16
const ASIDE = 4
/** Room for names around the circle, how far they stand off, and how much of a cosine is beside a cluster and not over it. */
const MARGIN = 110
const OFF = 16
const BESIDE = 0.3

export function edgeState({ isPaused, reachable }: Pick<SeenRelation, 'isPaused' | 'reachable'>): EdgeState {
  if (isPaused) return 'off'
  return reachable === undefined ? 'unknown' : reachable ? 'on' : 'broken'
}

/** The name of the other side: of a remote that has not said yet who it is, the name that it has in the config. */
export const targetOf = ({ to, remote }: Pick<SeenRelation, 'to' | 'remote'>): string => to ?? remote

const rounded = (value: number) => Math.round(value * 10) / 10

/** Where clusters stand that have to do with others, in the order of their names, and the arrows between them; undefined for too many. */
export function clusterGraph(relations: readonly SeenRelation[]): ClusterGraph | undefined {
  const names = [...new Set(relations.flatMap((each) => [each.from, targetOf(each)]))].toSorted()
  if (names.length > MAX_PICTURED) return undefined
  const radius = 40 + names.length * 12
  const size = 2 * (radius + MARGIN)
  const nodes = names.map((name, i) => {
    const angle = (2 * Math.PI * i) / names.length - Math.PI / 2
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
    const at = (from: number) => ({ x: rounded(size / 2 + from * cos), y: rounded(size / 2 + from * sin) })
    const anchor = Math.abs(cos) < BESIDE ? 'middle' : cos > 0 ? 'start' : 'end'
    return { name, ...at(radius), label: { ...at(radius + OFF), anchor } as const }
  })
  const at = new Map(nodes.map((node) => [node.name, node]))
  const edges = relations.flatMap((relation): GraphEdge[] => {
    const [from, to] = [at.get(relation.from), at.get(targetOf(relation))]
    if (from === undefined || to === undefined || from === to) return []
    const length = Math.hypot(to.x - from.x, to.y - from.y)
    const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length]
    const ends = {
      ...{ x1: rounded(from.x + dx * RIM - dy * ASIDE), y1: rounded(from.y + dy * RIM + dx * ASIDE) },
      ...{ x2: rounded(to.x - dx * RIM - dy * ASIDE), y2: rounded(to.y - dy * RIM + dx * ASIDE) },
    }
    return [{ from: from.name, to: to.name, state: edgeState(relation), ...ends }]
  })
  return { size, nodes, edges }
}
