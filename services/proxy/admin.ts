import { describedRoutes, proxyAdmin, ringRoutes } from '../../lib/api/index.ts'
import type { Cluster } from '../../lib/cluster/index.ts'
import type { Route } from '../../lib/http/index.ts'

export interface ProxyAdminComponents {
  readonly rings: Readonly<Record<string, Cluster>>
}

/** The admin API of a proxy. */
export function proxyAdminRoutes({ rings }: ProxyAdminComponents): readonly Route[] {
  return describedRoutes('proxy', proxyAdmin, ringRoutes(rings))
}
