import {
  adminBody,
  adminRoute,
  askingKinds,
  type SteeredGroup,
  type SteeredHostAnswer,
  steeredStates,
  trackerAdmin,
} from '../../../lib/api/index.ts'
import { type Exchange, pageRequest, type Route, requireSeen, sendTagged } from '../../../lib/http/index.ts'
import type { HostReport, HostReports } from '../steering/host-reports.ts'
import { HostSum, runningGeneration, steeredState } from '../steering/steered-state.ts'
import type { Steering } from '../steering/steering.ts'
import type { SteeringSpread } from '../steering/steering-spread.ts'
import { oneOf } from './job-routes.ts'
import { inOrder, pageOf } from './page-of.ts'

/** Hosts on a page: the default, and the most. */
const PAGE = 100
const MAX_PAGE = 1000
/** Generations in a summary, the latest ones. */
const MAX_GENERATIONS = 100
/** Codes of failures in a summary. */
const MAX_CODES = 256

export interface SteeringAdminComponents {
  readonly steering: Steering
  readonly steeringSpread: Pick<SteeringSpread, 'tell'>
  readonly reports: HostReports
}

/** How the fleet is steered. */
export function steeringAdminRoutes(components: SteeringAdminComponents): readonly Route[] {
  const { steering, steeringSpread, reports } = components

  const held = () => {
    const { version, document } = steering.held
    const { state, code, message } = steering.own
    return { ...version, ...(document !== undefined && { document }), tracker: { state, code, message } }
  }
  const row = (host: HostReport): SteeredHostAnswer => {
    const { id, kind, peerId, address, zone, label, shoal, seenAtMs, report } = host
    const { code, message, health } = report ?? {}
    return {
      ...{ id, kind, peerId, address, zone, label, shoal, code, message, seenAtMs, health },
      state: steeredState(components, host),
      generation: runningGeneration(components, host),
      layers: steering.for(host).layers,
    }
  }
  const hosts = (exchange: Exchange) => {
    const asked = pageRequest(exchange.query, { max: MAX_PAGE, usual: PAGE, least: 1 })
    const state = oneOf(exchange.query, 'state', steeredStates)
    const kind = oneOf(exchange.query, 'kind', ['agent', ...askingKinds])
    const layer = exchange.query.get('layer')
    const fits = (host: HostReport) =>
      (kind ?? host.kind) === host.kind &&
      (state === undefined || steeredState(components, host) === state) &&
      (layer === null || steering.for(host).layers.includes(layer))
    // Services of different kinds may have the same name.
    const keyOf = ({ id, kind: its }: Pick<HostReport, 'id' | 'kind'>) => `${id}/${its}`
    const items = inOrder([...reports.all()].filter(fits), keyOf, asked)
    const { page, next } = pageOf({ items, keyOf, row }, asked)
    sendTagged(exchange, { hosts: page, ...(next !== undefined && { next }) })
  }

  return [
    // How long this tracker has run is nothing that somebody changes.
    adminRoute(trackerAdmin.steering, (exchange) => sendTagged(exchange, held(), { isWhole: reports.isWhole })),
    adminRoute(trackerAdmin.steer, async (exchange) => {
      const document = await adminBody(trackerAdmin.steer, exchange)
      const said = await steering.put(document, () => requireSeen(exchange, held()))
      sendTagged(exchange, held(), { holds: await steeringSpread.tell(said) })
    }),
    adminRoute(trackerAdmin.unsteer, async (exchange) => {
      const said = await steering.release(() => requireSeen(exchange, held()))
      sendTagged(exchange, held(), { holds: await steeringSpread.tell(said) })
    }),
    adminRoute(trackerAdmin.steeringHosts, hosts),
    adminRoute(trackerAdmin.steeringSummary, (exchange) => sendTagged(exchange, summary(components))),
  ]
}

/** Sums for each layer of the hosts of its kind, with it and without it. */
interface LayerSum {
  readonly id: string
  readonly kind: string
  readonly generation: number
  readonly with: HostSum
  readonly without: HostSum
}

const shown = (sum: LayerSum): Record<'with' | 'without', SteeredGroup> => ({
  with: sum.with.answer,
  without: sum.without.answer,
})

function summary(components: SteeringAdminComponents) {
  const { steering, reports } = components
  const { version, document } = steering.held
  const all = new HostSum()
  const generations = new Map<number, number>()
  const failures = new Map<string, number>()
  const layers = (document?.layers ?? []).map(({ id, kind, generation }): LayerSum => {
    return { id, kind, generation, with: new HostSum(), without: new HostSum() }
  })
  for (const host of reports.all()) {
    const state = steeredState(components, host)
    all.add(host, state)
    const runs = runningGeneration(components, host)
    generations.set(runs, (generations.get(runs) ?? 0) + 1)
    const { code } = host.report ?? {}
    if (state === 'failed' && code !== undefined && (failures.has(code) || failures.size < MAX_CODES))
      failures.set(code, (failures.get(code) ?? 0) + 1)
    const own = new Set(steering.for(host).layers)
    for (const sum of layers) if (sum.kind === host.kind) sum[own.has(sum.id) ? 'with' : 'without'].add(host, state)
  }
  const latest = [...generations].sort(([a], [b]) => b - a).slice(0, MAX_GENERATIONS)
  return {
    ...(document !== undefined && { manager: document.manager }),
    ...{ term: version.term, generation: version.generation, all: all.answer },
    generations: latest.map(([generation, count]) => ({ generation, hosts: count })),
    failures: Object.fromEntries(failures),
    layers: layers.map((sum) => ({ ...{ id: sum.id, kind: sum.kind, generation: sum.generation }, ...shown(sum) })),
  }
}
