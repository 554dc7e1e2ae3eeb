import { adminRoute, buildIndexAdmin } from '../../../lib/api/index.ts'
import { type Clock, deadline } from '../../../lib/base/index.ts'
import { type Route, sendJson } from '../../../lib/http/index.ts'
import type { UpstreamIndexPart } from './open-upstream-index.ts'

/** How long an origin may take to say what it knows. */
const LOOK_MS = 3_000
/** How a build-index calls itself among the origins. */
const HERE = 'build-index'

export interface UpstreamAdminComponents {
  readonly clock: Clock
  readonly upstreams: Pick<UpstreamIndexPart, 'standings' | 'elsewhere'>
}

/** Registries of others in the admin API: as this build-index and each origin know them. */
export function upstreamAdminRoutes({ clock, upstreams }: UpstreamAdminComponents): readonly Route[] {
  return [
    adminRoute(buildIndexAdmin.upstreams, async (exchange) => {
      const limit = deadline(clock, LOOK_MS, exchange.signal)
      try {
        const origins = await upstreams.elsewhere(limit)
        const here = { id: HERE, upstreams: upstreams.standings() }
        const told = [here, ...origins].flatMap(({ id, upstreams: known = [] }) =>
          known.map((each) => ({ ...each, at: id })),
        )
        const silent = origins.filter((each) => each.upstreams === undefined).map(({ id }) => id)
        sendJson(exchange, 200, { upstreams: told, silent })
      } finally {
        limit.release()
      }
    }),
  ]
}
