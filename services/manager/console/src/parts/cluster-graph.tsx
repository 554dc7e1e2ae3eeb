import { t } from '../i18n/index.ts'
import { type ClusterGraph, clusterGraph, type GraphEdge } from '../pure/cluster-graph.ts'
import { addressOf } from '../pure/paths.ts'
import { get } from '../state/api.ts'
import { useLoad } from '../state/load.ts'
import type { RelationsPage } from '../state/relations.ts'
import { RelationTable, SilentLead } from './relations.tsx'
import { Card, Empty, Seen } from './ui.tsx'

const edgeText = ({ from, to, state }: GraphEdge) => `${from} → ${to}: ${t(`relationState.${state}`)}`

/** As much of a name as there is room for. */
const short = (name: string) => (name.length > 16 ? `${name.slice(0, 15)}…` : name)

const Picture = ({ size, nodes, edges }: ClusterGraph) => (
  <svg class="graph" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={edges.map(edgeText).join('; ')}>
    <defs>
      <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
        <path d="M0 0 8 4 0 8Z" />
      </marker>
    </defs>
    {edges.map((edge) => (
      <line key={edgeText(edge)} class={edge.state} {...{ x1: edge.x1, y1: edge.y1, x2: edge.x2, y2: edge.y2 }}>
        <title>{edgeText(edge)}</title>
      </line>
    ))}
    {nodes.map(({ name, x, y, label }) => (
      <g key={name}>
        <circle cx={x} cy={y} r={8} />
        <text x={label.x} y={label.y} text-anchor={label.anchor} dominant-baseline="middle">
          {short(name)}
        </text>
      </g>
    ))}
  </svg>
)

/** Which cluster replicates to which, as a picture and as a table. */
export function GraphCard() {
  const load = useLoad('cluster-graph', (signal) => get<RelationsPage>('/api/v1/relations', { n: 1000 }, signal), {
    everyMs: 10_000,
  })
  return (
    <Card
      title={t('relations.graph')}
      tight
      more={
        <a class="button" href={addressOf('relations')}>
          {t('nav.relations')}
        </a>
      }
    >
      <Seen load={load}>
        {({ relations, silent }) => {
          const graph = clusterGraph(relations)
          return (
            <>
              <SilentLead of={silent} />
              {relations.length === 0 ? (
                <Empty title={t('relations.emptyTitle')}>{t('relations.empty')}</Empty>
              ) : (
                <>
                  {graph !== undefined && graph.edges.length > 0 && <Picture {...graph} />}
                  <RelationTable relations={relations} />
                </>
              )}
            </>
          )
        }}
      </Seen>
    </Card>
  )
}
