import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { managerApi } from '../../lib/api/index.ts'
import { peopleVerbs } from '../../services/cli/admin/people-verbs.ts'
import { cookieOf, type ManagerLab, managerLab, PASSWORD } from '../kit/manager/manager-lab.ts'

let lab: ManagerLab
let ada: { readonly cookie: string }

beforeAll(async () => {
  lab = await managerLab()
  ada = await lab.signedIn('ada', ['admin'])
})
afterAll(async () => lab[Symbol.asyncDispose]())

const signIn = (name: string, password: string) =>
  lab.ask('/api/v1/sign-in', { method: 'POST', json: { name, password } })
const codeOf = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code

describe('a stranger at a manager', () => {
  test('gets no CORS header, whoever he says he is', async () => {
    for (const method of ['GET', 'OPTIONS', 'POST'])
      for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1']) {
        const asked = { origin, 'access-control-request-method': 'POST' }
        const answer = await lab.ask('/api/v1/me', { method, headers: { ...asked, ...ada } })
        expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
        expect(answer.status).not.toBe(200)
      }
  })

  test('makes no account: what is open to him is the sign-in, links that others made, and where his cluster is', async () => {
    const open = Object.entries(managerApi).flatMap(([name, { needs }]) => (needs === 'none' ? [name] : []))
    expect(open.toSorted()).toEqual(['assignment', 'openLink', 'signIn', 'signInWays'])
    const eve = { name: 'eve', password: PASSWORD }
    const link = await lab.ask('/api/v1/links/open', { method: 'POST', json: { ...eve, link: 'x'.repeat(43) } })
    expect([link.status, await codeOf(link)]).toEqual([404, 'LINK_UNKNOWN'])
    const created = await lab.ask('/api/v1/users', { method: 'POST', json: { ...eve, roles: [] } })
    expect(created.status).toBe(401)
    const { users } = await lab.admin().users({})
    expect(users.map(({ name }) => name)).not.toContain('eve')
  })

  test('resets no password: that takes a session and the old one', async () => {
    const change = { method: 'PUT', json: { old: PASSWORD, new: `${PASSWORD} of mine` } }
    expect((await lab.ask('/api/v1/me/password', change)).status).toBe(401)
    const wrong = { ...change, headers: ada, json: { ...change.json, old: 'not the password' } }
    expect(await codeOf(await lab.ask('/api/v1/me/password', wrong))).toBe('SIGN_IN_FAILED')
    const bearer = { authorization: `Bearer ${await tokenOf('reset')}` }
    expect(await codeOf(await lab.ask('/api/v1/me/password', { ...change, headers: bearer }))).toBe('SESSION_REQUIRED')
    expect((await signIn('ada', PASSWORD)).status).toBe(200)
  })

  test('learns neither from the answer nor from the limit whether there is such a user', async () => {
    await lab.signedIn('carl', [])
    const ends: Record<string, string[]> = {}
    for (const name of ['carl', 'nobody']) {
      const told: string[] = []
      for (let i = 0; i < 12; i += 1) {
        const answer = await signIn(name, 'not the password')
        told.push(`${answer.status} ${await codeOf(answer)}`)
        if (answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      }
      ends[name] = told
    }
    expect(ends['carl']).toEqual(ends['nobody'])
    expect(new Set(ends['carl'])).toEqual(new Set(['401 SIGN_IN_FAILED', '429 TOOMANYREQUESTS']))
    // The right one is not looked at either, for now.
    expect((await signIn('carl', PASSWORD)).status).toBe(429)
    expect(lab.metrics.value('shoal_manager_sign_ins_total', { outcome: 'throttled' })).toBeGreaterThan(0)
  })
})

const tokenOf = async (name: string) => (await lab.token(ada, name, ['jobs', 'read'])).token

describe('what is shown once', () => {
  test('is in no later answer and in no line of the log', async () => {
    const token = await tokenOf('shown')
    for (const path of [
      '/api/v1/me/tokens',
      '/api/v1/tokens',
      '/api/v1/audit',
      '/api/v1/me/sessions',
      '/api/v1/users',
    ]) {
      const answer = await lab.ask(path, { headers: ada })
      expect(answer.status).toBe(200)
      const text = await answer.text()
      expect(text).not.toContain(token)
      expect(text).not.toContain(token.slice('shoal_pat_'.length))
    }
    const log = JSON.stringify(lab.logged)
    for (const secret of [token, PASSWORD, ada.cookie.split('=')[1] ?? '?']) expect(log).not.toContain(secret)
  })

  test.each(['access_token', 'token'])('counts for nothing in a URL, as %s', async (key) => {
    const token = await tokenOf(`url-${key.replace('_', '-')}`)
    const alone = await lab.ask(`/api/v1/me?${key}=${token}`)
    expect(await codeOf(alone)).toBe('TOKEN_IN_URL')
    const beside = await lab.ask(`/api/v1/me?${key}=${token}`, { headers: { authorization: `Bearer ${token}` } })
    expect(beside.status).toBe(400)
    expect(JSON.stringify(lab.logged)).not.toContain(token)
  })

  test('a cookie does not make a wrong token good', async () => {
    const headers = { ...ada, authorization: 'Bearer shoal_pat_wrong' }
    expect((await lab.ask('/api/v1/me', { headers })).status).toBe(401)
  })

  test('nothing that is told to one caller is kept by a browser, or by what stands in front', async () => {
    const asked = Object.values(managerApi).filter(({ method }) => method === 'GET')
    for (const { path } of [...asked, { path: '/oapi/v1/jobs' }, { path: '/oapi/v1/clusters' }, { path: '/nowhere' }])
      for (const headers of [ada, {}]) {
        const answer = await lab.ask(path.replaceAll(/:\w+/g, 'nobody'), { headers })
        expect([path, answer.headers.get('cache-control')]).toEqual([
          path,
          expect.stringMatching(/^(no-store|private, no-cache)$/),
        ])
        await answer.body?.cancel()
      }
  })

  test('the cookie is for the browser alone', async () => {
    const answer = await signIn('ada', PASSWORD)
    expect(answer.headers.get('set-cookie')).toMatch(
      /^shoal-session=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/,
    )
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const cookie = cookieOf(answer)
    const out = await lab.ask('/api/v1/sign-out', { method: 'POST', headers: { cookie } })
    expect([out.status, out.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')])
    expect((await lab.ask('/api/v1/me', { headers: { cookie } })).status).toBe(401)
  })

  test('no verb takes a secret as a word of the command line', () => {
    for (const [name, verb] of Object.entries(peopleVerbs))
      for (const option of Object.keys('options' in verb ? verb.options : {}))
        if (/pass|secret|link|token|old|new/.test(option)) expect(`${name} ${option}`).toMatch(/-file$/)
  })
})

test('the first admin comes by the link of the log, once; a restart without an admin tells another', async () => {
  await using fresh = await managerLab()
  const first = fresh.firstAdminLink()
  await fresh.restart()
  const second = fresh.firstAdminLink()
  expect(second).not.toBe(first)
  const open = (link: string | undefined, name: string) =>
    fresh.ask('/api/v1/links/open', { method: 'POST', json: { link, name, password: PASSWORD } })
  const weak = await fresh.ask('/api/v1/links/open', {
    method: 'POST',
    json: { link: second, name: 'ada', password: 'short' },
  })
  expect(weak.status).toBe(400)
  const answer = await open(second, 'ada')
  expect(answer.status).toBe(200)
  const me = await fresh.ask('/api/v1/me', { headers: { cookie: cookieOf(answer) } })
  await expect(me.json()).resolves.toMatchObject({ name: 'user:ada', roles: ['admin'] })
  for (const link of [first, second]) expect((await open(link, 'eve')).status).toBe(404)
  const before = fresh.logged.length
  await fresh.restart()
  expect(JSON.stringify(fresh.logged.slice(before))).not.toContain('welcome#')
})
