import { describedRoutes, proxyAdmin, ringRoutes } from '../../lib/api/index.ts'
import type { Cluster } from '../../lib/cluster/index.ts'
import type { Route } from '../../lib/http/index.ts'
import { givenUserRoutes } from './access/given-user-routes.ts'
import type { GivenUsers } from './access/given-users.ts'

export interface ProxyAdminComponents {
  readonly rings: Readonly<Record<string, Cluster>>
  /** Whom a manager gives; undefined where the config does not let it. */
  readonly given?: GivenUsers | undefined
}

/** The admin API of a proxy. */
export function proxyAdminRoutes({ rings, given }: ProxyAdminComponents): readonly Route[] {
  return describedRoutes('proxy', proxyAdmin, [...ringRoutes(rings), ...givenUserRoutes(given)])
}
