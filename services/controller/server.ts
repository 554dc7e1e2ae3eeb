import {
  type AccountsStatus,
  adminRoute,
  controllerAdmin,
  describedRoutes,
  type Leadership,
  type NamesStatus,
} from '../../lib/api/index.ts'
import { appError } from '../../lib/base/index.ts'
import { type Route, sendJson } from '../../lib/http/index.ts'

export interface ControllerAdminComponents {
  readonly leadership: () => Leadership
  readonly names: () => NamesStatus | undefined
  readonly accounts: () => AccountsStatus | undefined
}

/** The admin API of a controller. */
export function controllerAdminRoutes({ leadership, names, accounts }: ControllerAdminComponents): readonly Route[] {
  return describedRoutes('controller', controllerAdmin, [
    adminRoute(controllerAdmin.leadership, (exchange) => sendJson(exchange, 200, leadership())),
    adminRoute(controllerAdmin.names, (exchange) => sendJson(exchange, 200, ofRole('names', names()))),
    adminRoute(controllerAdmin.accounts, (exchange) => sendJson(exchange, 200, ofRole('accounts', accounts()))),
  ])
}

function ofRole<T>(role: string, status: T | undefined): T {
  if (status === undefined) throw appError('ROLE_OFF', { detail: { role } })
  return status
}
