import { type ControlEntry, controlLimits, controlRoute, parseBody, toldControlSchema } from '../../../lib/api/index.ts'
import { pageRequest, type Route, readJson, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import { pageOf } from '../admin/page-of.ts'
import type { Control } from './control.ts'
import { nameOf } from './control-ends.ts'

/** How trackers tell each other what admins have said; only services may. */
export function controlExchange(control: Pick<Control, 'learn' | 'words'>): readonly Route[] {
  return [
    {
      methods: ['GET'],
      path: controlRoute,
      right: 'ring',
      summary: 'what admins have said, for another tracker',
      handle(exchange) {
        const { words } = control
        const { hash } = words
        const asked = pageRequest(exchange.query, { max: controlLimits.maxEntries, least: 1 })
        const items = exchange.query.get('hash') === hash ? [] : words.behind(asked.last ?? '')
        const { page, next } = pageOf({ items, keyOf: nameOf, row: (entry: ControlEntry) => entry }, asked)
        sendJson(exchange, 200, { hash, entries: page, ...(next !== undefined && { next }) })
      },
    },
    {
      methods: ['POST'],
      path: controlRoute,
      right: 'ring',
      summary: 'what an admin has said to another tracker',
      async handle(exchange) {
        const { entries } = parseBody(toldControlSchema, await readJson(exchange, controlLimits.maxBodyBytes))
        await control.learn(entries)
        sendEmpty(exchange, 204)
      },
    },
  ]
}
