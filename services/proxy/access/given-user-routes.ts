import {
  adminBody,
  adminRoute,
  type GivenRegistryUser,
  giverOf,
  MAX_REGISTRY_USERS_BYTES,
  proxyAdmin,
} from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type Exchange, pageRequest, type Route, requireSeen, sendTagged } from '../../../lib/http/index.ts'
import type { GiveInit, GivenUsers } from './given-users.ts'

const PAGE = { max: 1000, usual: 100, least: 1 }

const nameOf = ({ kind, name }: GivenRegistryUser) => `${kind}:${name}`

/** By which a manager gives this proxy its users. `given` is undefined where the config does not let it. */
export function givenUserRoutes(given: GivenUsers | undefined): readonly Route[] {
  const wanted = (): GivenUsers => {
    if (given === undefined) throw appError('REGISTRY_USERS_OFF')
    return given
  }
  const changed = async (exchange: Exchange, change: (users: GivenUsers, init: GiveInit) => Promise<void>) => {
    const users = wanted()
    await change(users, { signal: exchange.signal, check: (held) => requireSeen(exchange, held) })
    sendTagged(exchange, users.held)
  }
  return [
    adminRoute(proxyAdmin.registryUsers, (exchange) => {
      const { held, users } = wanted()
      const { count, last = '' } = pageRequest(exchange.query, PAGE)
      const ordered = users.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
      const rest = ordered.filter((user) => nameOf(user) > last)
      const shown = rest.slice(0, count)
      const end = rest.length > count ? shown.at(-1) : undefined
      const page = shown.map(({ sha256: _, ...user }) => user)
      sendTagged(exchange, held, { users: page, ...(end !== undefined && { next: nameOf(end) }) })
    }),
    adminRoute(proxyAdmin.giveRegistryUsers, (exchange) =>
      changed(exchange, async (users, init) => {
        const set = await adminBody(proxyAdmin.giveRegistryUsers, exchange, { maxBytes: MAX_REGISTRY_USERS_BYTES })
        await users.give(giverOf(exchange), set, init)
      }),
    ),
    adminRoute(proxyAdmin.releaseRegistryUsers, (exchange) => changed(exchange, (users, init) => users.release(init))),
  ]
}
