import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { newToken, parseGrant, tokenFileText } from '../../../lib/identity/index.ts'
import { recordingLogger } from '../../../lib/telemetry/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { basic, bearer, passwordFile, passwordLine, tokenFor } from '../../kit/registry-access.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { startProxyStack } from './proxy-stack.ts'

const rules = [{ who: ['user:*'], repositories: ['*'], actions: ['pull', 'catalog'] }]

/** Replaces a file as editors and Kubernetes do. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}

test('changed users and tokens count without a restart; a broken file does not', async () => {
  await using folder = await tempFolder('access')
  const users = await passwordFile(folder.path, { ann: 'of ann', bob: 'of bob' })
  const tokens = join(folder.path, 'tokens')
  const { token: named, kept } = newToken({ name: 'ci', expiresMs: undefined, grants: [parseGrant('*=pull,catalog')] })
  await writeFile(tokens, tokenFileText([kept]))
  const logger = recordingLogger()
  await using stack = await startProxyStack({ logger, registry: { access: { rules, users, tokens } } })
  const client = registryClient(stack.url)
  const statusOf = async (headers: object) =>
    (await client.send('GET', '/v2/_catalog', { headers: { ...headers } })).status
  const bearers = await Promise.all(
    [basic('bob', 'of bob'), bearer(named)].map((headers) => tokenFor(client, ['registry:catalog:*'], headers)),
  )
  const going = [basic('bob', 'of bob'), bearer(named), ...bearers.map(bearer)]
  for (const headers of going) expect(await statusOf(headers)).toBe(200)

  await replace(users, [passwordLine('ann', 'of ann'), passwordLine('eve', 'of eve')].join('\n'))
  await replace(tokens, tokenFileText([]))
  await eventually(async () => {
    expect(await statusOf(basic('eve', 'of eve'))).toBe(200)
    // Who is gone is gone with his passwords and all his tokens.
    for (const headers of going) expect(await statusOf(headers)).toBe(401)
  })

  await replace(users, 'eve:plain')
  await eventually(() => {
    const told = logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
    expect(told).toContain('a file is broken; what it said before stays in force')
  })
  expect(await statusOf(basic('eve', 'of eve'))).toBe(200)
})

test('changed rules count without a restart, also for tokens that were given before; a broken file does not', async () => {
  await using folder = await tempFolder('access')
  const users = await passwordFile(folder.path, { ann: 'of ann' })
  const rulesFile = join(folder.path, 'rules.yaml')
  const giving = (who: string, repositories: string) =>
    `- { who: ['${who}'], repositories: ['${repositories}'], actions: [push, catalog] }\n`
  await writeFile(rulesFile, giving('user:ann', 'team/*'))
  const logger = recordingLogger()
  await using stack = await startProxyStack({ logger, registry: { access: { rulesFile, users } } })
  const client = registryClient(stack.url)
  const ann = basic('ann', 'of ann')
  const token = await tokenFor(client, ['repository:team/a:pull,push'], ann)
  const begun = async (name: string, headers: object) =>
    (await client.send('POST', `/v2/${name}/blobs/uploads/`, { headers: { ...headers } })).status
  expect([await begun('team/a', ann), await begun('team/a', bearer(token)), await begun('other/a', ann)]).toEqual([
    ...[202, 202, 404],
  ])

  await replace(rulesFile, giving('user:ann', 'other/*') + giving('anonymous', 'open/*'))
  await eventually(async () => expect(await begun('other/a', ann)).toBe(202))
  expect([await begun('team/a', ann), await begun('team/a', bearer(token)), await begun('open/a', {})]).toEqual([
    ...[404, 404, 202],
  ])

  await replace(rulesFile, '- { who: [ann] }')
  await eventually(() => {
    const told = logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
    expect(told).toContain('a file is broken; what it said before stays in force')
  })
  expect(await begun('other/a', ann)).toBe(202)
})

test('a proxy whose file of users is missing or broken does not start, and says why', async () => {
  await using folder = await tempFolder('access')
  const users = join(folder.path, 'htpasswd')
  const begin = () => startProxyStack({ registry: { access: { rules, users } } })
  await expect(begin()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(users) })
  await writeFile(users, 'eve:plain')
  await expect(begin()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('bcrypt') })
})

test('proxies of one cluster take the tokens of each other', async () => {
  await using folder = await tempFolder('access')
  const users = await passwordFile(folder.path, { ann: 'of ann' })
  await using stack = await startProxyStack({ registry: { access: { rules, users } } })
  await using second = await stack.secondProxy()
  await using stranger = await stack.secondProxy('the secret of another cluster')
  const token = await tokenFor(registryClient(stack.url), ['registry:catalog:*'], basic('ann', 'of ann'))
  const at = async (url: string) =>
    (await registryClient(url).send('GET', '/v2/_catalog', { headers: bearer(token) })).status
  expect([await at(second.url), await at(stranger.url)]).toEqual([200, 401])
})
