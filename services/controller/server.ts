import { adminRoute, controllerAdmin, describedRoutes, type Leadership, type NamesStatus } from '../../lib/api/index.ts'
import { appError } from '../../lib/base/index.ts'
import { type Route, sendJson } from '../../lib/http/index.ts'

export interface ControllerAdminComponents {
  readonly leadership: () => Leadership
  readonly names: () => NamesStatus | undefined
}

/** The admin API of a controller. */
export function controllerAdminRoutes({ leadership, names }: ControllerAdminComponents): readonly Route[] {
  return describedRoutes('controller', controllerAdmin, [
    adminRoute(controllerAdmin.leadership, (exchange) => sendJson(exchange, 200, leadership())),
    adminRoute(controllerAdmin.names, (exchange) => {
      const status = names()
      if (status === undefined) throw appError('ROLE_OFF', { detail: { role: 'names' } })
      sendJson(exchange, 200, status)
    }),
  ])
}
