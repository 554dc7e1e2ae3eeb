import { managerApi } from '../../lib/api/index.ts'
import { appError, remoteAddressOf } from '../../lib/base/index.ts'
import type { Exchange, Route } from '../../lib/http/index.ts'
import { callerAt } from '../../lib/identity/index.ts'
import { callerOf } from './people/index.ts'

/** Streams of events that one user has open at one manager, or that all who show a secret have from one address. */
export const MAX_STREAMS_OF_ONE = 20

const streams = new Set<string>(
  Object.values(managerApi).flatMap((call) => ('stream' in call && call.stream ? [call.path] : [])),
)

/** Whether the route answers with a stream of events. */
export const isStream = ({ path }: Pick<Route, 'path'>): boolean => streams.has(path)

/** A user is one with all of his sessions and tokens; a secret is not one person. */
function holderOf(exchange: Pick<Exchange, 'principal' | 'req'>): string {
  const { user } = callerOf(exchange)
  return user === undefined ? `at ${callerAt(remoteAddressOf(exchange.req.socket))}` : `user ${user.id}`
}

/** The same routes; but nobody has more than his share of streams open, of whatever kind, so that others find room. */
export function streamShares(routes: readonly Route[]): readonly Route[] {
  const open = new Map<string, number>()
  const shared = (route: Route): Route => ({
    ...route,
    async handle(exchange) {
      const holder = holderOf(exchange)
      const count = open.get(holder) ?? 0
      if (count >= MAX_STREAMS_OF_ONE) throw appError('STREAM_SHARE_FULL', { detail: { most: MAX_STREAMS_OF_ONE } })
      open.set(holder, count + 1)
      try {
        await route.handle(exchange)
      } finally {
        const left = (open.get(holder) ?? 0) - 1
        if (left > 0) open.set(holder, left)
        else open.delete(holder)
      }
    },
  })
  return routes.map((route) => (isStream(route) ? shared(route) : route))
}
