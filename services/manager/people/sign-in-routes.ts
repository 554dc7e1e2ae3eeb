import { adminBody, type Me, managerApi } from '../../../lib/api/index.ts'
import { remoteAddressOf } from '../../../lib/base/index.ts'
import { type Exchange, type Route, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import { callerAt } from '../../../lib/identity/index.ts'
import { managerRoute, UNKEPT } from '../managed.ts'
import { callerOf, callingBrowser } from './caller.ts'
import type { SessionCookies } from './cookies.ts'
import { singleGrants } from './grants.ts'
import type { Place, Sessions } from './sessions.ts'
import type { OpenedSession, SignIn } from './sign-in.ts'

export interface SignInRoutesComponents {
  readonly signIn: SignIn
  readonly sessions: Sessions
  readonly cookies: SessionCookies
  readonly ways: { readonly passwords: boolean; readonly providers: readonly { name: string; title: string }[] }
  readonly nowMs: () => number
}

/** Where a browser is that signs in; what is counted by it counts a network of IPv6 as one. */
export const placeOf = ({ req }: Pick<Exchange, 'req'>): Place => ({
  address: callerAt(remoteAddressOf(req.socket)),
  agent: req.headers['user-agent'] ?? '',
})

export const meOf = (exchange: Pick<Exchange, 'principal'>): Me => {
  const { actor, kind, grants, user, expiresAtMs } = callerOf(exchange)
  return {
    ...{ name: actor, kind, roles: user?.roles ?? [], grants: singleGrants(grants) },
    ...{ hasPassword: user?.hasPassword === true, ...(expiresAtMs !== undefined && { expiresAtMs }) },
  }
}

/** Routes by which people sign in and out, and see where they are signed in. */
export function signInRoutes({ signIn, sessions, cookies, ways, nowMs }: SignInRoutesComponents): readonly Route[] {
  const welcome = async (exchange: Exchange, { value, expiresAtMs }: OpenedSession) => {
    const caller = await sessions.find(value)
    const { user, actor, grants = [] } = caller ?? {}
    const me: Me = {
      ...{ name: actor ?? '', kind: 'user', roles: user?.roles ?? [], grants },
      ...{ expiresAtMs, hasPassword: user?.hasPassword === true },
    }
    const cookie = cookies.set(exchange.req, value, expiresAtMs - nowMs())
    sendJson(exchange, 200, me, { ...UNKEPT, 'set-cookie': cookie })
  }
  const clear = ({ req }: Exchange) => ({ ...UNKEPT, 'set-cookie': cookies.clear(req) })
  return [
    managerRoute(managerApi.signInWays, (exchange) => sendJson(exchange, 200, ways)),
    managerRoute(managerApi.signIn, async (exchange) => {
      const shown = await adminBody(managerApi.signIn, exchange)
      await welcome(exchange, await signIn.byPassword(shown, placeOf(exchange), exchange))
    }),
    managerRoute(managerApi.openLink, async (exchange) => {
      const shown = await adminBody(managerApi.openLink, exchange)
      await welcome(exchange, await signIn.byLink(shown, placeOf(exchange), exchange))
    }),
    managerRoute(managerApi.signOut, async (exchange) => {
      const { user, sessionId, ...caller } = callerOf(exchange)
      if (user !== undefined && sessionId !== undefined) await sessions.end(caller, user, sessionId)
      sendEmpty(exchange, 204, clear(exchange))
    }),
    managerRoute(managerApi.me, (exchange) => sendJson(exchange, 200, meOf(exchange), UNKEPT)),
    managerRoute(managerApi.changePassword, async (exchange) => {
      const caller = callingBrowser(exchange)
      const change = await adminBody(managerApi.changePassword, exchange)
      await signIn.changePassword(caller, change, { signal: exchange.signal, from: placeOf(exchange).address })
      sendEmpty(exchange, 204)
    }),
    managerRoute(managerApi.mySessions, async (exchange) => {
      const { user, sessionId } = callingBrowser(exchange)
      sendJson(exchange, 200, { sessions: await sessions.of(user.id, sessionId) }, UNKEPT)
    }),
    managerRoute(managerApi.endMySession, async (exchange) => {
      const caller = callingBrowser(exchange)
      const { session = '' } = exchange.params
      await sessions.end(caller, caller.user, session)
      sendEmpty(exchange, 204, session === caller.sessionId ? clear(exchange) : {})
    }),
  ]
}
