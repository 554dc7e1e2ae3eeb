import { generateKeyPairSync } from 'node:crypto'
import { Socket } from 'node:net'
import { expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { bearerTokens, type Grant, parseKeyFile, registryCallers } from '../../../lib/identity/index.ts'
import { basic, bearer } from '../../kit/registry-access.ts'

/** A registry that knows one named token, `build`, which is over after 30 s. */
function lab() {
  const clock = fakeClock()
  const untilMs = clock.now() + 30_000
  const inForce = () => clock.now() < untilMs
  const grants: readonly Grant[] = [{ repositories: ['*'], actions: ['pull'] }]
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const keys = parseKeyFile(pem)
  const tokens = bearerTokens({ clock }, { keys: () => keys, service: 'shoal', lifetimeMs: 300_000 })
  const { identify } = registryCallers(
    {
      clock,
      secrets: () => ({ name: 'anonymous', rights: [] }),
      bearer: tokens,
      tokens: {
        nameOf: (shown) => (shown === 'shoal_build' && inForce() ? 'build' : undefined),
        grantsOf: (name) => (name === 'build' && inForce() ? grants : undefined),
      },
    },
    { rules: () => [], anonymous: 'none' },
  )
  const nameBy = async (headers: { readonly authorization: string }) =>
    (await identify({ headers, socket: new Socket() }, {})).name
  return { clock, tokens, nameBy }
}

test('a named token counts to its end and no longer, however often it was shown before', async () => {
  const { clock, nameBy } = lab()
  const shown = [basic('anybody', 'shoal_build'), bearer('shoal_build')]
  for (const each of shown) expect(await nameBy(each)).toBe('token:build')
  await clock.advance(29_999)
  for (const each of shown) expect(await nameBy(each)).toBe('token:build')
  await clock.advance(1)
  for (const each of shown) expect(await nameBy(each)).toBe('anonymous')
})

test('a bearer token that was given for a named token ends with it', async () => {
  const { clock, tokens, nameBy } = lab()
  const { token } = await tokens.issue({ name: 'token:build', access: [] })
  expect(await nameBy(bearer(token))).toBe('token:build')
  await clock.advance(30_000)
  expect(await nameBy(bearer(token))).toBe('anonymous')
})
