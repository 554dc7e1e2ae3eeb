import { adminBody, checkLiveValues, liveJsonSchemas, liveKinds, managerApi } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type Exchange, pageRequest, type Route, requireSeen, sendJson, sendTagged } from '../../../lib/http/index.ts'
import { managerRoute } from '../managed.ts'
import { filledAnswer, slotAnswer, versionAnswer } from './answers.ts'
import { diffOf, type Values } from './diff.ts'
import type { FleetView } from './fleet-view.ts'
import { type PlanDefaults, planOf } from './plan.ts'
import { parseScope } from './scope.ts'
import type { SettingsStore } from './settings-store.ts'
import type { SlotName } from './slot.ts'

export const PAGE = { max: 1000, usual: 100, least: 1 }

export interface SettingsRoutesComponents {
  readonly store: SettingsStore
  readonly view: Pick<FleetView, 'clusterId' | 'scopeById'>
  /** Hosts are to have something else. */
  readonly onChange: () => void
}

/** @throws REQUEST_INVALID */
export function kindIn(text: string): string {
  if (liveKinds.some((kind) => kind === text)) return text
  throw appError('REQUEST_INVALID', { message: `a kind is one of ${liveKinds.join(', ')}` })
}

/** The slot of a path. @throws REQUEST_INVALID */
export const slotIn = ({ params }: Pick<Exchange, 'params'>, view: Pick<FleetView, 'scopeById'>): SlotName => ({
  scope: view.scopeById(parseScope(params['scope'] ?? '')),
  kind: kindIn(params['kind'] ?? ''),
})

/** @throws REQUEST_INVALID */
export function numberOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw appError('REQUEST_INVALID', { message: 'a version is a number' })
}

/** The values that a side of a comparison names. @throws REQUEST_INVALID, SETTINGS_UNKNOWN */
async function valuesOf({ store, view }: SettingsRoutesComponents, side: string | null): Promise<Values> {
  if (side === null || side === '') throw appError('REQUEST_INVALID', { message: 'say from and to' })
  if (side === '0') return {}
  if (!side.includes('/')) return (await store.version(numberOf(side))).values
  const at = side.lastIndexOf('/')
  const scope = view.scopeById(parseScope(side.slice(0, at)))
  const { wanted } = await store.slot({ scope, kind: kindIn(side.slice(at + 1)) })
  return wanted === undefined ? {} : (await store.version(wanted)).values
}

/** Settings, their versions, and how they differ. */
export function settingsRoutes(parts: SettingsRoutesComponents, defaults: PlanDefaults): readonly Route[] {
  const { store, view, onChange } = parts
  const set = async (exchange: Exchange) => {
    const name = slotIn(exchange, view)
    if (name.scope.of === 'cluster') view.clusterId(name.scope.name)
    const { values, reason, rollout } = await adminBody(managerApi.setSettings, exchange)
    checkLiveValues(name.kind, values)
    const made = { ...name, values, reason, author: exchange.principal.name }
    const plan = { plan: planOf(name.kind, rollout, defaults), atOnce: rollout === undefined }
    const slot = await store.set({ ...made, ...plan }, (before) =>
      requireSeen(exchange, before && filledAnswer(before)),
    )
    onChange()
    sendJson(exchange, 201, filledAnswer(slot))
  }
  return [
    managerRoute(managerApi.settingsSchema, (exchange) => sendTagged(exchange, { kinds: liveJsonSchemas() })),
    managerRoute(managerApi.settingsDiff, async (exchange) => {
      const { query } = exchange
      const [from, to] = await Promise.all([valuesOf(parts, query.get('from')), valuesOf(parts, query.get('to'))])
      sendJson(exchange, 200, { changes: diffOf(from, to) })
    }),
    managerRoute(managerApi.settings, async (exchange) => {
      const { rows, next } = await store.slots(pageRequest(exchange.query, PAGE))
      sendJson(exchange, 200, { settings: rows.map(slotAnswer), next })
    }),
    managerRoute(managerApi.settingsOf, async (exchange) => {
      sendTagged(exchange, filledAnswer(await store.slot(slotIn(exchange, view))))
    }),
    managerRoute(managerApi.setSettings, set),
    managerRoute(managerApi.settingVersions, async (exchange) => {
      const asked = pageRequest(exchange.query, PAGE)
      numberOf(asked.last ?? '0')
      const { rows, next } = await store.versions(slotIn(exchange, view), asked)
      sendJson(exchange, 200, { versions: rows.map(versionAnswer), next })
    }),
    managerRoute(managerApi.settingVersion, async (exchange) => {
      sendTagged(exchange, versionAnswer(await store.version(numberOf(exchange.params['version'] ?? ''))))
    }),
  ]
}
