import { adminRoute, agentAdmin } from '../../lib/api/index.ts'
import { type Route, sendJson } from '../../lib/http/index.ts'
import { pullNamed, pullPage } from './pull-answers.ts'
import type { PullLog } from './pull-log.ts'

/** Admin routes of the pulls that the agent remembers. */
export function pullRoutes(log: PullLog): readonly Route[] {
  return [
    adminRoute(agentAdmin.pulls, (exchange) => sendJson(exchange, 200, pullPage(log, exchange.query))),
    adminRoute(agentAdmin.pull, (exchange) => sendJson(exchange, 200, pullNamed(log, exchange.params['id'] ?? ''))),
  ]
}
