import {
  type AskingKind,
  askingKinds,
  hasVersion,
  heldSteeringSchema,
  parseBody,
  steeringAskedSchema,
  steeringBodies,
  steeringRoutes,
} from '../../../lib/api/index.ts'
import { type Route, readJson, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import { socketAddress } from '../socket-address.ts'
import type { Steering } from './steering.ts'
import type { SteeringDesk } from './steering-desk.ts'

export interface SteeringRoutesComponents {
  readonly steering: Pick<Steering, 'held' | 'learn'>
  readonly steeringDesk: Pick<SteeringDesk, 'heardService'>
}

/** How trackers tell each other what a manager holds, and services hear of it; only services may. */
export function steeringServiceRoutes({ steering, steeringDesk }: SteeringRoutesComponents): readonly Route[] {
  const wordFor = (kind: AskingKind): Route => ({
    methods: ['POST'],
    path: steeringRoutes.words[kind],
    right: 'ring',
    summary: `one of kind ${kind} tells which settings it runs, and asks which it should run`,
    async handle(exchange) {
      const asked = parseBody(steeringAskedSchema, await readJson(exchange, steeringBodies.maxAskedBytes))
      const word = steeringDesk.heardService(kind, socketAddress(exchange.req), asked)
      sendJson(exchange, 200, word === undefined ? {} : { word })
    },
  })
  return [
    {
      methods: ['GET'],
      path: steeringRoutes.exchange,
      right: 'ring',
      summary: 'the settings that a manager holds, for another tracker',
      handle(exchange) {
        const { held } = steering
        sendJson(exchange, 200, hasVersion(exchange.query, held.version) ? {} : { held })
      },
    },
    {
      methods: ['POST'],
      path: steeringRoutes.exchange,
      right: 'ring',
      summary: 'the settings that a manager has given to another tracker',
      async handle(exchange) {
        await steering.learn(parseBody(heldSteeringSchema, await readJson(exchange, steeringBodies.maxHeldBytes)))
        sendEmpty(exchange, 204)
      },
    },
    ...askingKinds.map(wordFor),
  ]
}
