import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ManagerNeed, managerApi, managerResources, openApiDocument } from '../../../lib/api/index.ts'
import { type ManagerLab, managerLab } from '../../kit/manager/manager-lab.ts'

interface Operation {
  readonly operationId: string
  readonly 'x-needs': ManagerNeed
}

/** Every route, as the manager describes itself. */
const document = openApiDocument('manager', managerApi) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}
const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { operationId: name, 'x-needs': needs }]) => ({
    ...{ name, needs, method: method.toUpperCase(), path: path.replace(/\{\w+\}/g, 'nobody') },
  })),
)
const guarded = routes.filter(({ needs }) => needs !== 'none')
const granted = guarded.flatMap(({ needs, ...route }) => (typeof needs === 'object' ? [{ ...route, needs }] : []))
const DAY_MS = 86_400_000

let lab: ManagerLab
let admin: { readonly cookie: string }
const tokens = new Map<string, string>()

const keyOf = ({ resource, action }: { readonly resource: string; readonly action: string }) => `${resource}.${action}`

/** The status; what a stream tells is not waited for. */
async function statusOf(
  { method, path }: { readonly method: string; readonly path: string },
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const over = new AbortController()
  const body = method === 'GET' || method === 'DELETE' ? {} : { json: {} }
  const { status } = await lab.ask(path, { method, headers, signal: over.signal, ...body })
  over.abort()
  return status
}

async function tokenWith(grants: readonly { readonly resource: string; readonly action: string }[]): Promise<string> {
  const name = `t${tokens.size}`
  const expiresAtMs = Date.now() + DAY_MS
  const answer = await lab.ask('/api/v1/me/tokens', {
    ...{ method: 'POST', headers: admin, json: { name, grants, expiresAtMs } },
  })
  expect(answer.status).toBe(201)
  const { token } = (await answer.json()) as { readonly token: string }
  return token
}

beforeAll(async () => {
  lab = await managerLab()
  admin = await lab.signedIn('ada', ['admin'])
  tokens.set('none', await tokenWith([]))
  for (const resource of managerResources)
    for (const action of ['read', 'write'] as const)
      tokens.set(keyOf({ resource, action }), await tokenWith([{ resource, action }]))
})

afterAll(async () => lab[Symbol.asyncDispose]())

const shown = (key: string) => ({ authorization: `Bearer ${tokens.get(key) ?? ''}` })

describe('every route of a manager', () => {
  test('is in the document, and the document has routes of every kind', () => {
    expect(routes.map(({ name }) => name).toSorted()).toEqual(Object.keys(managerApi).toSorted())
    expect(granted.length).toBeGreaterThan(10)
  })

  test.each(guarded)('$name: nobody without a sign-in', async (route) => {
    await expect(statusOf(route, {})).resolves.toBe(401)
    await expect(statusOf(route, { authorization: 'Bearer shoal_pat_of-nobody' })).resolves.toBe(401)
  })

  test.each(granted)(
    '$name: a token that may do nothing is refused, one with the right alone is not',
    async (route) => {
      const { needs } = route
      await expect(statusOf(route, shown('none'))).resolves.toBe(403)
      const others = managerResources.find((resource) => resource !== needs.resource) ?? 'jobs'
      await expect(statusOf(route, shown(keyOf({ resource: others, action: 'write' })))).resolves.toBe(403)
      if (needs.action === 'write')
        await expect(statusOf(route, shown(keyOf({ ...needs, action: 'read' })))).resolves.toBe(403)
      const right = await statusOf(route, shown(keyOf(needs)))
      expect([401, 403]).not.toContain(right)
    },
  )

  test('takes a token as the password of anybody, as tools show it, and no other password', async () => {
    const basic = (password: string) => ({
      authorization: `Basic ${Buffer.from(`harbor:${password}`).toString('base64')}`,
    })
    const jobs = { method: 'GET', path: '/oapi/v1/jobs' }
    await expect(statusOf(jobs, basic(tokens.get('jobs.read') ?? ''))).resolves.toBe(200)
    await expect(statusOf(jobs, basic(tokens.get('audit.read') ?? ''))).resolves.toBe(403)
    await expect(statusOf(jobs, basic('a password'))).resolves.toBe(401)
  })

  test.each(routes.filter(({ needs }) => needs === 'self'))('$name: anybody who is signed in', async (route) => {
    const cookie = await lab.signedIn('grace', [])
    const status = await statusOf(route, cookie)
    expect([401, 403]).not.toContain(status)
  })

  test.each(routes)('$name: no page of another site, whoever is signed in', async (route) => {
    const page = { origin: 'https://evil.example' }
    await expect(statusOf(route, { ...admin, ...page })).resolves.toBe(403)
    await expect(statusOf(route, { ...admin, 'sec-fetch-site': 'cross-site' })).resolves.toBe(403)
    await expect(statusOf(route, { ...admin, 'sec-fetch-site': 'same-site' })).resolves.toBe(403)
  })
})
