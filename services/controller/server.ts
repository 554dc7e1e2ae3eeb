import { adminRoute, controllerAdmin, describedRoutes, type Leadership } from '../../lib/api/index.ts'
import { type Route, sendJson } from '../../lib/http/index.ts'

export interface ControllerAdminComponents {
  readonly leadership: () => Leadership
}

/** The admin API of a controller. */
export function controllerAdminRoutes({ leadership }: ControllerAdminComponents): readonly Route[] {
  return describedRoutes('controller', controllerAdmin, [
    adminRoute(controllerAdmin.leadership, (exchange) => sendJson(exchange, 200, leadership())),
  ])
}
