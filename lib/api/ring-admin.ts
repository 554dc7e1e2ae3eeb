import { z } from 'zod'
import { appError } from '../base/index.ts'
import type { Cluster } from '../cluster/index.ts'
import { type Exchange, type Route, sendJson } from '../http/index.ts'
import { adminCall, adminRoute } from './admin.ts'
import { list, text } from './bounded.ts'

/** Members of a ring in an answer. */
const MAX_MEMBERS = 10_000

const memberSchema = z.object({ id: text(128), url: text(2048), healthy: z.boolean() })
const ringSchema = z.object({ name: text(64), members: list(memberSchema, MAX_MEMBERS) })

/** Calls about the other services as this one sees them: the same in the admin API of every service that calls some. */
export const ringCalls = {
  rings: adminCall({
    method: 'GET',
    path: '/rings',
    summary: 'the services that this one calls, and whether they answer',
    answer: z.object({ rings: list(ringSchema, 16) }),
  }),
  owners: adminCall({
    method: 'GET',
    path: '/rings/:ring/owners',
    summary: 'who owns a key, and who is asked in which order',
    query: { key: 'a digest, or for build-indexes a repository' },
    codes: ['RING_UNKNOWN', 'REQUEST_INVALID'],
    answer: z.object({ owners: list(text(128), MAX_MEMBERS), order: list(text(128), MAX_MEMBERS) }),
  }),
}

/** The routes of `ringCalls`; the rings by the names that they have in the config. */
export function ringRoutes(rings: Readonly<Record<string, Cluster>>): readonly Route[] {
  const all = (exchange: Exchange) => {
    const told = Object.entries(rings).map(([name, ring]) => ({
      name,
      members: ring.members.map(({ id, url }) => ({ id, url, healthy: ring.isHealthy(id) })),
    }))
    sendJson(exchange, 200, { rings: told })
  }
  const owners = (exchange: Exchange) => {
    const { ring: name = '' } = exchange.params
    const ring = Object.hasOwn(rings, name) ? rings[name] : undefined
    if (ring === undefined) throw appError('RING_UNKNOWN', { detail: { ring: name, known: Object.keys(rings) } })
    const key = exchange.query.get('key')
    if (key === null || key === '') throw appError('REQUEST_INVALID', { message: 'say whose owners: ?key=' })
    const ids = (members: Cluster['members']) => members.map(({ id }) => id)
    sendJson(exchange, 200, { owners: ids(ring.owners(key)), order: ids(ring.candidates(key)) })
  }
  return [adminRoute(ringCalls.rings, all), adminRoute(ringCalls.owners, owners)]
}
