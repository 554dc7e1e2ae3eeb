import { adminBody, managerApi, type SteeredHost } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type Exchange, pageRequest, type Route, sendJson } from '../../../lib/http/index.ts'
import type { Act } from '../acts.ts'
import { managerRoute } from '../managed.ts'
import { appliedOf, behindPage, runOf } from './applied.ts'
import { documentOf } from './document.ts'
import { effectiveKeys } from './effective.ts'
import type { FleetView } from './fleet-view.ts'
import { lookAtTrackers, type PushInit, takeOver } from './push.ts'
import { kindIn, PAGE, slotIn } from './settings-routes.ts'
import type { SettingsStore } from './settings-store.ts'
import type { SeenHost } from './sight.ts'
import type { SteeredClusters } from './steered-clusters.ts'

export interface FleetRoutesComponents {
  readonly store: Pick<SettingsStore, 'slot' | 'wanted'>
  readonly view: FleetView
  readonly clusters: SteeredClusters
  readonly manager: () => string
  readonly onChange: () => void
  readonly act: Act
}

/** @throws REQUEST_INVALID */
function needed(query: URLSearchParams, name: string): string {
  const value = query.get(name)
  if (value === null || value === '') throw appError('REQUEST_INVALID', { message: `say ${name}` })
  return value
}

interface AskedHost {
  readonly cluster: string
  readonly host: SteeredHost
  /** What its trackers say of it. */
  readonly known: SeenHost | undefined
}

/** The host that is meant, with all its names if its trackers know it. @throws REQUEST_INVALID, CLUSTER_UNKNOWN */
async function hostIn(view: FleetView, { query }: Exchange): Promise<AskedHost> {
  const cluster = view.clusterId(needed(query, 'cluster'))
  const [name, kind] = [query.get('host') ?? '', kindIn(query.get('kind') ?? 'agent')]
  const { hosts } = name === '' ? { hosts: [] } : await view.sight(cluster)
  const known = hosts.find((host) => host.kind === kind && host.names.includes(name))
  const zone = query.get('zone') ?? known?.zone
  return { cluster, known, host: { kind, id: known?.id ?? name, names: known?.names ?? [name], zone } }
}

/** Which hosts and trackers have what they are to have. */
export function fleetRoutes(components: FleetRoutesComponents): readonly Route[] {
  const { store, view, clusters, manager, onChange, act } = components
  const initOf = async (cluster: string): Promise<PushInit> => ({
    ...{ document: documentOf(cluster, await store.wanted(), manager()), manager: manager() },
  })
  const trackersOf = async (cluster: string) => lookAtTrackers(clusters, cluster, await initOf(cluster))
  return [
    managerRoute(managerApi.settingsEffective, async (exchange) => {
      const { cluster, host, known } = await hostIn(view, exchange)
      const slots = await store.wanted()
      // What is rolled out in steps is not yet for all of a scope.
      const asked = host.id === '' ? slots.map(({ coming: _, ...slot }) => slot) : slots
      const run = known === undefined ? {} : { host: runOf(known) }
      sendJson(exchange, 200, { keys: effectiveKeys(cluster, asked, host), ...run })
    }),
    managerRoute(managerApi.settingsApplied, async (exchange) => {
      const slot = await store.slot(slotIn(exchange, view))
      sendJson(exchange, 200, appliedOf(slot, await view.sights(slot.scope)))
    }),
    managerRoute(managerApi.settingsBehind, async (exchange) => {
      const asked = pageRequest(exchange.query, PAGE)
      const slot = await store.slot(slotIn(exchange, view))
      sendJson(exchange, 200, behindPage(slot, await view.sights(slot.scope), asked))
    }),
    managerRoute(managerApi.steeredTrackers, async (exchange) => {
      const rows = await Promise.all(clusters.clusters().map(({ id }) => trackersOf(id)))
      sendJson(exchange, 200, { trackers: rows.flat() })
    }),
    managerRoute(managerApi.takeOverTrackers, async (exchange) => {
      const cluster = view.clusterId(exchange.params['cluster'] ?? '')
      const { reason } = await adminBody(managerApi.takeOverTrackers, exchange)
      const init = await initOf(cluster)
      const entry = { actor: exchange.principal.name, action: 'settings.takeOver', target: cluster, detail: { reason } }
      await act(entry, (mayBeDone) => takeOver(clusters, cluster, { ...init, mayBeDone }))
      onChange()
      sendJson(exchange, 200, { trackers: await trackersOf(cluster) })
    }),
  ]
}
