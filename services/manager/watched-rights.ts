import { abortController, anySignal, type Clock, hasCode, isAbort } from '../../lib/base/index.ts'
import type { Exchange, Route } from '../../lib/http/index.ts'
import type { Identify } from '../../lib/identity/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'
import { isStream } from './stream-shares.ts'

/** Between two looks at whether who gets a stream still may. */
const LOOK_MS = 5_000

export interface WatchedRightsComponents {
  /** Who calls now; that it is asked is no use of a session. */
  readonly identify: Identify
  readonly clock: Pick<Clock, 'sleep'>
  readonly logger: Logger
}

/** Whether the route would let its caller in now. */
async function isAdmitted(identify: Identify, route: Route, exchange: Exchange, signal: AbortSignal): Promise<boolean> {
  const principal = await identify(exchange.req, { signal })
  try {
    route.admits?.({ ...exchange, query: exchange.query, body: exchange.body, principal })
    return true
  } catch (err) {
    if (hasCode(err, 'UNAUTHORIZED', 'DENIED')) return false
    throw err
  }
}

/** The same routes; but a stream ends soon after its caller has lost the session, the token or the right. */
export function watchedRights({ identify, clock, logger }: WatchedRightsComponents, routes: readonly Route[]): Route[] {
  const endWithRight = async (route: Route, exchange: Exchange, signal: AbortSignal): Promise<void> => {
    for (;;) {
      try {
        await clock.sleep(LOOK_MS, { signal })
        if (await isAdmitted(identify, route, exchange, signal)) continue
        exchange.res.end()
        return
      } catch (err) {
        if (isAbort(err)) return
        logger.warn('failed to look whether who gets a stream still may', { route: route.path, err })
      }
    }
  }
  const watched = (route: Route): Route => ({
    ...route,
    async handle(exchange) {
      const over = abortController()
      const watch = endWithRight(route, exchange, anySignal([exchange.signal, over.signal]))
      try {
        await route.handle(exchange)
      } finally {
        over.abort()
        await watch
      }
    },
  })
  return routes.map((route) => (isStream(route) ? watched(route) : route))
}
