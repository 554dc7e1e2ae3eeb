import { adminBody, adminRoute, policyNames, type TrackerSettings, trackerAdmin } from '../../../lib/api/index.ts'
import { appError, type Clock } from '../../../lib/base/index.ts'
import {
  type Exchange,
  pageRequest,
  type Route,
  requireSeen,
  sendEvents,
  sendJson,
  sendTagged,
} from '../../../lib/http/index.ts'
import type { Control, MarkKind } from '../control/control.ts'
import type { ControlSpread } from '../control/control-spread.ts'
import { type Mark, parseTarget } from '../control/marks.ts'
import { type EventLog, eventKinds, type TrackerEvent } from '../events/event-log.ts'
import type { Steering } from '../steering/steering.ts'
import { pageOf } from './page-of.ts'

const MINUTE_MS = 60_000
/** Marks on a page: the default, and the most. */
const PAGE = 1000

export interface ControlRoutesComponents {
  readonly control: Control
  readonly spread: Pick<ControlSpread, 'tell'>
  readonly steering: Pick<Steering, 'own' | 'held'>
  readonly events: EventLog
  /** Fires when the tracker stops: streams of events end. */
  readonly end: AbortSignal
  readonly clock: Pick<Clock, 'now' | 'setTimer'>
}

function markRoutes({ control, spread, clock }: ControlRoutesComponents, kind: MarkKind): readonly Route[] {
  const calls = {
    ban: [trackerAdmin.bans, trackerAdmin.ban, trackerAdmin.unban],
    drain: [trackerAdmin.drains, trackerAdmin.drain, trackerAdmin.undrain],
  } as const
  const [all, set, end] = calls[kind]
  const target = (exchange: Exchange) => parseTarget(exchange.params['target'] ?? '')
  return [
    adminRoute(all, (exchange) => {
      const asked = pageRequest(exchange.query, { max: PAGE, least: 1 })
      const items = control.marks(kind).filter((mark) => mark.target > (asked.last ?? ''))
      const { page, next } = pageOf({ items, keyOf: (mark) => mark.target, row: (mark: Mark) => mark }, asked)
      sendTagged(exchange, { marks: page, ...(next !== undefined && { next }) })
    }),
    adminRoute(set, async (exchange) => {
      const { reason, minutes } = await adminBody(set, exchange)
      const atMs = clock.now()
      const until = minutes === undefined ? {} : { untilMs: atMs + minutes * MINUTE_MS }
      const mark = { target: target(exchange), reason, by: exchange.principal.name, atMs, ...until }
      const said = await control.mark(kind, mark.target, mark)
      sendJson(exchange, 200, { ...mark, holds: await spread.tell(said) })
    }),
    adminRoute(end, async (exchange) => {
      const said = await control.mark(kind, target(exchange), undefined)
      sendJson(exchange, 200, { holds: await spread.tell(said) })
    }),
  ]
}

/** @throws REQUEST_INVALID */
function kindsIn(query: URLSearchParams): ReadonlySet<string> {
  const asked = query.get('kinds')?.split(',') ?? eventKinds
  const unknown = asked.find((kind) => !eventKinds.some((known) => known === kind))
  if (unknown === undefined) return new Set(asked)
  throw appError('REQUEST_INVALID', { message: `kinds are ${eventKinds.join(', ')}` })
}

/** What a manager holds is changed by nobody else. @throws SETTING_HELD */
function assertFree(
  { control, steering }: Pick<ControlRoutesComponents, 'control' | 'steering'>,
  wanted: TrackerSettings,
): void {
  const names = Object.keys(steering.own.settings) as (keyof TrackerSettings)[]
  const key = names.find((name) => wanted[name] !== control.settings[name])
  if (key === undefined) return
  const { manager = '', generation = 0 } = steering.held.document ?? {}
  const message = `${key} is held by "${manager}", generation ${generation}; change it there`
  throw appError('SETTING_HELD', { message, detail: { key, manager, generation } })
}

/** Bans, drains, settings, and the stream of events. */
export function controlRoutes(components: ControlRoutesComponents): readonly Route[] {
  const { control, spread, steering, events, end, clock } = components

  const settings = () => {
    const { policy, perSecond, minMs, maxMs } = control.now
    const now = { policy, perSecond, minIntervalMs: minMs, maxIntervalMs: maxMs }
    const held = Object.keys(steering.own.settings)
    return { set: control.settings, ...(held.length > 0 && { held }), now, policies: policyNames }
  }
  const change = async (exchange: Exchange) => {
    const wanted = await adminBody(trackerAdmin.set, exchange)
    const said = await control.set(wanted, () => {
      requireSeen(exchange, settings())
      assertFree(components, wanted)
    })
    sendTagged(exchange, settings(), { holds: await spread.tell(said) })
  }

  const stream = (exchange: Exchange) => {
    const kinds = kindsIn(exchange.query)
    return sendEvents(exchange, { clock, end }, (lastId, send) => {
      const tell = ({ id, kind, atMs, facts }: TrackerEvent) => {
        if (kinds.has(kind)) send({ id, event: kind, data: { atMs, ...facts } })
      }
      const missed = events.after(lastId)
      if (missed === undefined) send({ event: 'gap', data: { atMs: clock.now() } })
      for (const event of missed ?? []) tell(event)
      return events.listen(tell)
    })
  }

  return [
    ...markRoutes(components, 'ban'),
    ...markRoutes(components, 'drain'),
    adminRoute(trackerAdmin.settings, (exchange) => sendTagged(exchange, settings())),
    adminRoute(trackerAdmin.set, change),
    adminRoute(trackerAdmin.events, stream),
  ]
}
