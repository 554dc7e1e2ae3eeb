import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { cookies } from '../../../services/manager/people/cookies.ts'
import { commonGrants, covers, singleGrants } from '../../../services/manager/people/grants.ts'
import { userOfClaims } from '../../../services/manager/people/oidc/claims.ts'
import { oidcSchema } from '../../../services/manager/people/oidc/index.ts'
import { passwords } from '../../../services/manager/people/passwords.ts'
import { throttle } from '../../../services/manager/people/throttle.ts'

const may = (text: string) =>
  text
    .split(' ')
    .filter(Boolean)
    .map((word) => ({ resource: word.split('=')[0] ?? '', action: word.split('=')[1] ?? '' }))
const textOf = (grants: readonly { resource: string; action: string }[]) =>
  grants.map(({ resource, action }) => `${resource}=${action}`).join(' ')

describe('grants', () => {
  test.each([
    ['*=*', 'users=write jobs=read', true],
    ['*=read', 'users=read', true],
    ['*=read', 'users=write', false],
    ['jobs=write', 'jobs=read', true],
    ['jobs=read', 'jobs=write', false],
    ['jobs=write', 'jobs=*', true],
    ['jobs=*', '*=read', false],
    ['', '', true],
    ['', 'jobs=read', false],
  ])('%s covers %s: %s', (holder, wanted, isSo) => {
    expect(covers(may(holder), may(wanted))).toBe(isSo)
  })

  test('what both give', () => {
    expect(textOf(commonGrants(may('*=read jobs=write'), may('jobs=* users=write')))).toBe(
      'users=read jobs=read jobs=write',
    )
    expect(singleGrants(may('*=*'))).toHaveLength(26)
  })
})

describe('passwords', () => {
  const quick = passwords({ cost: 4, block: 1, parallel: 1 })

  test('are known by their hashes alone, each with a salt', async () => {
    const [one, other] = [await quick.hash('correct horse', {}), await quick.hash('correct horse', {})]
    expect(one).not.toBe(other)
    await expect(quick.matches('correct horse', one, {})).resolves.toBe(true)
    await expect(quick.matches('correct hors', one, {})).resolves.toBe(false)
    await expect(quick.matches('correct horse', undefined, {})).resolves.toBe(false)
  })

  test('that were hashed with other parameters still count, and are known as old', async () => {
    const old = await passwords({ cost: 5, block: 2, parallel: 1 }).hash('correct horse', {})
    await expect(quick.matches('correct horse', old, {})).resolves.toBe(true)
    expect([quick.isOld(old), quick.isOld(await quick.hash('x', {}))]).toEqual([true, false])
  })

  test('two are hashed at once, 32 wait, more are refused', async () => {
    const slow = passwords({ cost: 12, block: 8, parallel: 1 })
    const ends = await Promise.allSettled(Array.from({ length: 40 }, () => slow.hash('x', {})))
    const refused = ends.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(6)
    expect(refused[0]).toMatchObject({ reason: { code: 'TOOMANYREQUESTS' } })
  })
})

describe('tries to sign in', () => {
  const code = (work: () => unknown) => {
    try {
      work()
    } catch (err) {
      return (err as { readonly code: string }).code
    }
    return undefined
  }

  test('ten for a name, then one each half minute, from wherever they come', () => {
    const clock = fakeClock()
    const tries = throttle(clock)
    const next = (i: number) => code(() => tries.admit('ada', `192.0.2.${i}`))
    for (let i = 0; i < 10; i += 1) expect(next(i)).toBeUndefined()
    expect(next(11)).toBe('TOOMANYREQUESTS')
    clock.stall(30_000)
    expect([next(12), next(13)]).toEqual([undefined, 'TOOMANYREQUESTS'])
  })

  test('thirty from an address, whatever the names; and one that succeeds does not count', () => {
    const tries = throttle(fakeClock())
    for (let i = 0; i < 100; i += 1) tries.admit('ada', '192.0.2.1')()
    for (let i = 0; i < 30; i += 1) expect(code(() => tries.admit(`n${i}`, '192.0.2.1'))).toBeUndefined()
    expect(code(() => tries.admit('another', '192.0.2.1'))).toBe('TOOMANYREQUESTS')
    expect(code(() => tries.admit('another', '192.0.2.2'))).toBeUndefined()
  })
})

describe('cookies', () => {
  const plain = { headers: {}, socket: {} } as never
  const tls = { headers: {}, socket: { encrypted: true } } as never

  test('are for TLS alone where the request came by TLS, or the config says so', () => {
    expect(cookies(false).set(plain, 'v', 60_000)).toBe('shoal-session=v; Max-Age=60; Path=/; HttpOnly; SameSite=Lax')
    const secure = '__Host-shoal-session=v; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure'
    expect([cookies(false).set(tls, 'v', 60_000), cookies(true).set(plain, 'v', 60_000)]).toEqual([secure, secure])
  })

  test('one that was set without TLS counts for nothing with TLS', () => {
    const headers = { cookie: 'a=b; shoal-session=planted; c' }
    expect(cookies(false).read({ headers, socket: { encrypted: true } } as never)).toBeUndefined()
    expect(cookies(false).read({ headers, socket: {} } as never)).toBe('planted')
  })
})

test.each([
  [
    { sub: 's', preferred_username: 'Ada L', groups: ['a', 'b', 'a'] },
    { name: 'ada-l', roles: ['one', 'two'] },
  ],
  [
    { sub: 's', preferred_username: 'ada@x.org', groups: 'b' },
    { name: 'ada@x.org', roles: ['two'] },
  ],
  [
    { sub: 's', preferred_username: 'ada', groups: ['__proto__', 'constructor', 7] },
    { name: 'ada', roles: [] },
  ],
  [{ sub: 's', preferred_username: '!!' }, undefined],
  [{ preferred_username: 'ada' }, undefined],
  [
    { sub: 's', preferred_username: ['ada', 'b'] },
    { name: 'ada', roles: [] },
  ],
])('of the claims %j comes %j', (claims, wanted) => {
  const roles = { a: ['one'], b: ['two'] }
  const config = oidcSchema.parse({ name: 'p', title: 'P', issuer: 'https://x.org', clientId: 'c', roles })

  const user = userOfClaims(config, claims)
  expect(user && { name: user.name, roles: user.roles }).toEqual(wanted)
})
