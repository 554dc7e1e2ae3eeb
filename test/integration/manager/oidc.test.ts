import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type ManagerLab, managerLab } from '../../kit/manager/manager-lab.ts'
import { type Lie, type OidcProvider, oidcProvider } from '../../kit/oidc-provider.ts'

/** Where browsers find the manager; something in front leads them to its listener. */
const PUBLIC = 'https://manager.example.com'
const PATH = '/api/v1/oidc/corp'

let provider: OidcProvider
let lab: ManagerLab

beforeAll(async () => {
  provider = await oidcProvider()
  const { issuer, clientId, clientSecret } = provider
  const corp = {
    name: 'corp',
    title: 'Corp',
    issuer,
    clientId,
    clientSecret,
    roles: { ops: ['operator'], all: ['reader'] },
  }
  lab = await managerLab({ config: { publicUrl: PUBLIC, people: { oidc: [corp] } } })
})

afterAll(async () => {
  await lab[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
})

beforeEach(() => provider.signedIn({ sub: 'u-1', preferred_username: 'Ada L.', groups: ['ops', 'others'] }))

/** The cookies that an answer sets, as a browser sends them back. */
const cookiesOf = (answer: Response) =>
  answer.headers
    .getSetCookie()
    .map((each) => each.split(';')[0] ?? '')
    .filter((each) => !each.endsWith('='))
    .join('; ')

/** As a browser does that is sent here by a page of another site. */
const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

const begun = async (to = '/jobs/7') => {
  const answer = await lab.ask(`${PATH}?to=${encodeURIComponent(to)}`)
  expect(answer.status).toBe(302)
  return { there: answer.headers.get('location') ?? '', cookie: cookiesOf(answer) }
}

/** What the provider sends the browser back with. */
const back = async (there: string) => {
  const answer = await fetch(there, { redirect: 'manual' })
  const location = answer.headers.get('location') ?? ''
  expect(location).toContain(`${PUBLIC}${PATH}/callback?`)
  return location.slice(PUBLIC.length)
}

const comeBack = (path: string, cookie: string) => lab.ask(path, { headers: { ...visit, cookie } })

const signedIn = async () => {
  const { there, cookie } = await begun()
  return comeBack(await back(there), cookie)
}

const failure = (answer: Response) => /^\/sign-in\?error=(\w+)$/.exec(answer.headers.get('location') ?? '')?.[1]

describe('a sign-in by a provider', () => {
  test('makes the user with the roles of his groups, and goes on to the page that he wanted', async () => {
    const answer = await signedIn()
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/jobs/7'])
    const me = await lab.ask('/api/v1/me', { headers: { cookie: cookiesOf(answer) } })
    await expect(me.json()).resolves.toMatchObject({ name: 'user:ada-l', roles: ['operator'], hasPassword: false })
    await expect(lab.admin().user({ user: 'ada-l' })).resolves.toMatchObject({ provider: 'corp' })
    await expect(lab.admin().signInWays({})).resolves.toEqual({
      passwords: true,
      providers: [{ name: 'corp', title: 'Corp' }],
    })
  })

  test('gives the roles of today, and lets nobody in who has none', async () => {
    const before = { cookie: cookiesOf(await signedIn()) }
    provider.signedIn({ sub: 'u-1', preferred_username: 'renamed', groups: 'all' })
    await signedIn()
    await expect(lab.admin().user({ user: 'ada-l' })).resolves.toMatchObject({ roles: ['reader'] })
    provider.signedIn({ sub: 'u-1', preferred_username: 'ada', groups: [] })
    expect(failure(await signedIn())).toBe('SIGN_IN_FAILED')
    expect((await lab.ask('/api/v1/me', { headers: before })).status).toBe(401)
    provider.signedIn({ sub: 'u-2', preferred_username: 'eve' })
    expect(failure(await signedIn())).toBe('SIGN_IN_FAILED')
    await expect(lab.admin().user({ user: 'eve' })).rejects.toMatchObject({ code: 'USER_UNKNOWN' })
  })

  test('is nobody whom a password knows, whatever he is called there', async () => {
    await signedIn()
    await lab.signedIn('root', ['admin'])
    provider.signedIn({ sub: 'u-3', preferred_username: 'root', groups: ['ops'] })
    expect(failure(await signedIn())).toBe('NAME_TAKEN')
    await lab.admin().changeUser({ user: 'ada-l', body: { disabled: true } })
    provider.signedIn({ sub: 'u-1', preferred_username: 'ada', groups: ['ops'] })
    expect(failure(await signedIn())).toBe('SIGN_IN_FAILED')
    await lab.admin().changeUser({ user: 'ada-l', body: { disabled: false } })
  })

  test.each(['nonce', 'audience', 'issuer', 'key', 'expired'] as const)(
    'a token with a wrong %s is refused',
    async (lie: Lie) => {
      provider.lieOnce(lie)
      expect(failure(await signedIn())).toBe('OIDC_FAILED')
    },
  )

  test('an answer counts only in the browser that began, and once', async () => {
    const [mine, other] = [await begun(), await begun()]
    const path = await back(mine.there)
    expect(failure(await comeBack(path, other.cookie))).toBe('OIDC_FAILED')
    expect(failure(await comeBack(path, ''))).toBe('OIDC_FAILED')
    const [session] = [await comeBack(path, mine.cookie)]
    expect(session.headers.get('location')).toBe('/jobs/7')
    expect(failure(await comeBack(path, mine.cookie))).toBe('OIDC_FAILED')
    expect(provider.refused.at(-1)).toBe('code')
  })

  test('the provider checks the proof: another verifier gets nothing', async () => {
    const { there, cookie } = await begun()
    const [name = '', value = ''] = cookie.split('=')
    const flow = JSON.parse(Buffer.from(value, 'base64url').toString()) as object
    const changed = Buffer.from(JSON.stringify({ ...flow, verifier: 'x'.repeat(43) })).toString('base64url')
    expect(failure(await comeBack(await back(there), `${name}=${changed}`))).toBe('OIDC_FAILED')
    expect(provider.refused.at(-1)).toBe('pkce')
  })

  test.each(['https://evil.example', '//evil.example', '/\\evil.example', 'jobs'])(
    'goes on to no other site: %s',
    async (to) => {
      const { there, cookie } = await begun(to)
      const answer = await comeBack(await back(there), cookie)
      expect(answer.headers.get('location')).toBe('/')
    },
  )

  test('a link elsewhere leads to pages and to the way back alone, and in no frame', async () => {
    const statusOf = async (path: string, headers: Readonly<Record<string, string>>) =>
      (await lab.ask(path, { headers })).status
    expect(await statusOf('/api/v1/sign-in', visit)).toBe(403)
    expect(await statusOf('/api/v1/me', visit)).toBe(403)
    expect(await statusOf('/jobs/7', visit)).not.toBe(403)
    expect(await statusOf('/jobs/7', { ...visit, 'sec-fetch-dest': 'iframe' })).toBe(403)
    expect(await statusOf('/jobs/7', { ...visit, 'sec-fetch-mode': 'cors' })).toBe(403)
    expect(await statusOf('/jobs/7', { ...visit, origin: 'https://evil.example' })).toBe(403)
  })
})
