import { adminBody, managerApi, personName } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { pageRequest, type Route, requireSeen, sendEmpty, sendJson, sendTagged } from '../../../lib/http/index.ts'
import { managerRoute, UNKEPT } from '../managed.ts'
import { callerOf, callingUser } from './caller.ts'
import type { Invites } from './links.ts'
import type { Passwords } from './passwords.ts'
import type { Roles } from './roles.ts'
import type { Tokens } from './tokens.ts'
import type { Users } from './users.ts'

const PAGE = { max: 1000, usual: 100, least: 1 }

export interface PeopleRoutesComponents {
  readonly users: Users
  readonly roles: Roles
  readonly tokens: Tokens
  readonly invites: Invites
  readonly passwords: Passwords
}

function userRoutes({ users, passwords }: PeopleRoutesComponents): readonly Route[] {
  return [
    managerRoute(managerApi.users, async (exchange) => {
      sendJson(exchange, 200, await users.page(pageRequest(exchange.query, PAGE)))
    }),
    managerRoute(managerApi.user, async (exchange) => {
      const user = await users.get(exchange.params['user'] ?? '')
      if (user === undefined) throw appError('USER_UNKNOWN')
      sendTagged(exchange, user)
    }),
    managerRoute(managerApi.createUser, async (exchange) => {
      const { password, ...user } = await adminBody(managerApi.createUser, exchange)
      const hash = await passwords.hash(password, exchange)
      sendJson(exchange, 201, await users.create(callerOf(exchange), { ...user, password: hash }))
    }),
    managerRoute(managerApi.changeUser, async (exchange) => {
      const change = await adminBody(managerApi.changeUser, exchange)
      const name = exchange.params['user'] ?? ''
      const after = await users.change(callerOf(exchange), name, change, (before) => requireSeen(exchange, before))
      sendJson(exchange, 200, after)
    }),
    managerRoute(managerApi.setPassword, async (exchange) => {
      const { password } = await adminBody(managerApi.setPassword, exchange)
      const hash = await passwords.hash(password, exchange)
      await users.setPassword(callerOf(exchange), exchange.params['user'] ?? '', hash)
      sendEmpty(exchange, 204)
    }),
    managerRoute(managerApi.endSessions, async (exchange) => {
      await users.endSessions(callerOf(exchange), exchange.params['user'] ?? '')
      sendEmpty(exchange, 204)
    }),
    managerRoute(managerApi.removeUser, async (exchange) => {
      await users.remove(callerOf(exchange), exchange.params['user'] ?? '')
      sendEmpty(exchange, 204)
    }),
  ]
}

function inviteRoutes({ invites }: PeopleRoutesComponents): readonly Route[] {
  return [
    managerRoute(managerApi.invites, async (exchange) => sendJson(exchange, 200, { invites: await invites.open() })),
    managerRoute(managerApi.invite, async (exchange) => {
      const { roles } = await adminBody(managerApi.invite, exchange)
      sendJson(exchange, 201, await invites.make(callerOf(exchange), roles), UNKEPT)
    }),
    managerRoute(managerApi.revokeInvite, async (exchange) => {
      await invites.revoke(callerOf(exchange), exchange.params['invite'] ?? '')
      sendEmpty(exchange, 204)
    }),
  ]
}

function roleRoutes({ roles }: PeopleRoutesComponents): readonly Route[] {
  return [
    managerRoute(managerApi.roles, async (exchange) => sendJson(exchange, 200, { roles: await roles.all() })),
    managerRoute(managerApi.setRole, async (exchange) => {
      const { what, grants } = await adminBody(managerApi.setRole, exchange)
      const role = { name: personName(exchange.params['role'] ?? ''), what, grants }
      const after = await roles.set(callerOf(exchange), role, (before) => requireSeen(exchange, before))
      sendJson(exchange, 200, after)
    }),
    managerRoute(managerApi.removeRole, async (exchange) => {
      await roles.remove(callerOf(exchange), exchange.params['role'] ?? '')
      sendEmpty(exchange, 204)
    }),
  ]
}

function tokenRoutes({ tokens }: PeopleRoutesComponents): readonly Route[] {
  return [
    managerRoute(managerApi.myTokens, async (exchange) => {
      sendJson(exchange, 200, { tokens: await tokens.of(callingUser(exchange).user) })
    }),
    managerRoute(managerApi.createToken, async (exchange) => {
      const caller = callingUser(exchange)
      const init = await adminBody(managerApi.createToken, exchange)
      sendJson(exchange, 201, await tokens.create(caller, caller.user, init), UNKEPT)
    }),
    managerRoute(managerApi.revokeMyToken, async (exchange) => {
      const caller = callingUser(exchange)
      await tokens.revoke(caller, exchange.params['token'] ?? '', caller.user)
      sendEmpty(exchange, 204)
    }),
    managerRoute(managerApi.tokens, async (exchange) => {
      sendJson(exchange, 200, await tokens.page(pageRequest(exchange.query, PAGE)))
    }),
    managerRoute(managerApi.revokeToken, async (exchange) => {
      await tokens.revoke(callerOf(exchange), exchange.params['token'] ?? '')
      sendEmpty(exchange, 204)
    }),
  ]
}

/** Routes of users, invitations, roles and tokens. */
export const peopleRoutes = (components: PeopleRoutesComponents): readonly Route[] => [
  ...userRoutes(components),
  ...inviteRoutes(components),
  ...roleRoutes(components),
  ...tokenRoutes(components),
]
