import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { SignJWT } from 'jose'
import { fakeClock } from '../../../lib/base/index.ts'
import { ciTokens } from '../../../lib/identity/index.ts'

const issuer = 'https://issuer.test'
const keyOf = (kid: string) => ({ kid, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) })
type Key = ReturnType<typeof keyOf>

/** A believer in one issuer, which publishes `keys` and says in `answers` what it answers. */
function lab(keys: Key[]) {
  const clock = fakeClock()
  const asked: string[] = []
  const answers: { jwks_uri: unknown } = { jwks_uri: `${issuer}/keys` }
  const getJson = async (url: string): Promise<unknown> => {
    asked.push(url)
    if (url.includes('well-known')) return answers
    return { keys: keys.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid })) }
  }
  const caller = { name: 'job', claims: { sub: 'repo:org/*' } }
  const tokens = ciTokens({ clock, getJson }, [{ issuer, audience: 'us', callers: [caller] }])
  const nameBy = async ({ kid, privateKey }: Key) => {
    const seconds = Math.floor(clock.now() / 1000)
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid })
      .setIssuer(issuer)
      .setAudience('us')
      .setSubject('repo:org/app')
      .setExpirationTime(seconds + 600)
      .sign(privateKey)
    return (await tokens.prove(token, {}))?.name
  }
  return { clock, asked, answers, nameBy }
}

test('a new key of an issuer is found, but it is not asked for keys more often than every 30 s', async () => {
  const [old, next] = [keyOf('old'), keyOf('next')]
  const published = [old]
  const { clock, asked, nameBy } = lab(published)
  expect(await nameBy(old)).toBe('job')
  published.push(next)
  expect(await nameBy(next)).toBeUndefined()
  expect(asked).toHaveLength(2)
  await clock.advance(30_000)
  expect(await nameBy(next)).toBe('job')
  expect(await nameBy(old)).toBe('job')
  expect(asked).toHaveLength(4)
})

test('a key that an issuer took back counts for ten minutes at most', async () => {
  const [old, next] = [keyOf('old'), keyOf('next')]
  const published = [old]
  const { clock, nameBy } = lab(published)
  expect(await nameBy(old)).toBe('job')
  published.splice(0, 1, next)
  await clock.advance(599_000)
  expect(await nameBy(old)).toBe('job')
  await clock.advance(2_000)
  expect(await nameBy(old)).toBeUndefined()
})

test.each([['http://issuer.test/keys'], ['file:///etc/passwd'], ['no URL'], [7]])(
  'an issuer over TLS may not name keys without it: %j',
  async (uri) => {
    const key = keyOf('one')
    const { answers, asked, nameBy } = lab([key])
    answers.jwks_uri = uri
    await expect(nameBy(key)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(asked).toHaveLength(1)
  },
)

test('an issuer that does not answer is left alone for a while, however many tokens name it', async () => {
  const key = keyOf('one')
  const { answers, asked, clock, nameBy } = lab([key])
  answers.jwks_uri = 'no URL'
  for (let i = 0; i < 20; i += 1) await expect(nameBy(key)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect(asked).toHaveLength(1)
  answers.jwks_uri = `${issuer}/keys`
  await clock.advance(1_000)
  expect(await nameBy(key)).toBe('job')
})
