import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { managerResources } from '../../../lib/api/index.ts'
import { adapterRoutes } from '../../../services/manager/adapters/open-adapters.ts'
import { type ManagerLab, managerLab } from '../../kit/manager/manager-lab.ts'

const DAY_MS = 86_400_000

/** Every route that tools of others call, as the manager has them; nothing of it is called here. */
const served = adapterRoutes({} as Parameters<typeof adapterRoutes>[0], { ownNames: [] }).flatMap(({ methods, path }) =>
  methods.map((method) => `${method} ${path}`),
)

/** What each needs; undefined: nothing. */
const needs: Readonly<
  Record<string, { readonly resource: 'jobs' | 'clusters'; readonly action: 'read' | 'write' } | undefined>
> = {
  'GET /healthy': undefined,
  'GET /health': undefined,
  'POST /oapi/v1/jobs': { resource: 'jobs', action: 'write' },
  'GET /oapi/v1/jobs': { resource: 'jobs', action: 'read' },
  'GET /oapi/v1/jobs/:id': { resource: 'jobs', action: 'read' },
  'PATCH /oapi/v1/jobs/:id': { resource: 'jobs', action: 'write' },
  'DELETE /oapi/v1/jobs/:id': { resource: 'jobs', action: 'write' },
  'POST /oapi/v1/clusters': { resource: 'clusters', action: 'write' },
  'PATCH /oapi/v1/clusters/:id': { resource: 'clusters', action: 'write' },
  'DELETE /oapi/v1/clusters/:id': { resource: 'clusters', action: 'write' },
  'GET /oapi/v1/clusters': { resource: 'clusters', action: 'read' },
  'GET /oapi/v1/clusters/:id': { resource: 'clusters', action: 'read' },
  'POST /registry/notifications': { resource: 'jobs', action: 'write' },
}
const guarded = Object.entries(needs).flatMap(([route, need]) => (need === undefined ? [] : [{ route, ...need }]))

let lab: ManagerLab
let admin: { readonly cookie: string }
const tokens = new Map<string, string>()

beforeAll(async () => {
  lab = await managerLab()
  admin = await lab.signedIn('ada', ['admin'])
  const make = async (key: string, grants: readonly { readonly resource: string; readonly action: string }[]) => {
    const json = { name: `t${tokens.size}`, grants, expiresAtMs: Date.now() + DAY_MS }
    const answer = await lab.ask('/api/v1/me/tokens', { method: 'POST', headers: admin, json })
    tokens.set(key, ((await answer.json()) as { readonly token: string }).token)
  }
  await make('none', [])
  for (const resource of managerResources)
    for (const action of ['read', 'write'] as const) await make(`${resource}.${action}`, [{ resource, action }])
})
afterAll(async () => lab[Symbol.asyncDispose]())

/** The status to who shows this: the body is one that no route takes. */
async function statusOf(route: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const [method = '', path = ''] = route.split(' ')
  const body = method === 'GET' || method === 'DELETE' ? {} : { json: { events: 'none' } }
  return (await lab.ask(path.replace(':id', '7'), { method, headers, ...body })).status
}

const bearer = (key: string) => ({ authorization: `Bearer ${tokens.get(key) ?? ''}` })
const basic = (key: string) => ({
  authorization: `Basic ${Buffer.from(`harbor:${tokens.get(key) ?? ''}`).toString('base64')}`,
})

describe('every route that tools of others call', () => {
  test('is in this table', () => expect(Object.keys(needs).toSorted()).toEqual(served.toSorted()))

  test.each(guarded)('$route: nobody without a token', async ({ route }) => {
    for (const headers of [
      {},
      bearer('of nobody'),
      { authorization: 'Bearer shoal_pat_' },
      { cookie: 'shoal-session=' },
    ])
      await expect(statusOf(route, headers)).resolves.toBe(401)
  })

  test.each(guarded)('$route: $resource $action, and nothing else', async ({ route, resource, action }) => {
    const givers = action === 'read' ? [`${resource}.read`, `${resource}.write`] : [`${resource}.write`]
    for (const key of tokens.keys())
      for (const headers of [bearer(key), basic(key)]) {
        const status = await statusOf(route, headers)
        if (givers.includes(key)) expect([key, [401, 403, 500].includes(status)]).toEqual([key, false])
        else expect([key, status]).toEqual([key, 403])
      }
  })

  test.each(guarded)('$route: no page of another site, whoever is signed in', async ({ route }) => {
    await expect(statusOf(route, { ...admin, origin: 'https://evil.example' })).resolves.toBe(403)
    await expect(statusOf(route, { ...admin, origin: 'null' })).resolves.toBe(403)
  })
})
