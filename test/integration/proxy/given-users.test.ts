import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { adminClient, type GivenRegistryUser, proxyAdmin } from '../../../lib/api/index.ts'
import { systemClock } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { newToken, parseGrant, tokenFileText, tokenHash } from '../../../lib/identity/index.ts'
import { basic, bearer, passwordFile, tokenFor } from '../../kit/registry-access.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { startProxyStack } from './proxy-stack.ts'

const user = (name: string, secret: string, more: Partial<GivenRegistryUser> = {}): GivenRegistryUser => ({
  ...{ kind: 'user', name, sha256: tokenHash(secret), disabled: false },
  grants: [parseGrant('team/*=push,catalog')],
  ...more,
})

const OF_ANN = 'shoal_of-ann'
const SCOPE = 'repository:team/a:pull,push'

/** A proxy that takes users from a manager, and one of a file. */
const lab = (access: object = {}) =>
  buildResource(async (stack) => {
    const folder = stack.own(await tempFolder('given'))
    const managed = join(folder.path, 'managed')
    const users = await passwordFile(folder.path, { bob: 'of bob', ann: 'of the file' })
    const rules = [{ who: ['user:bob', 'user:ann'], repositories: ['*'], actions: ['push'] }]
    const http = httpClient({ clock: systemClock() })
    await http.start()
    stack.own({ [Symbol.asyncDispose]: () => http.stop() })
    const registry = { access: { rules, users, managed, ...access } }
    const start = async () => stack.own(await startProxyStack({ registry }))
    const proxy = await start()
    const to = (at: typeof proxy) => ({
      admin: adminClient(http, at.proxy.adminUrl, proxyAdmin),
      client: registryClient(at.url),
      begun: async (name: string, headers: object) =>
        (await registryClient(at.url).send('POST', `/v2/${name}/blobs/uploads/`, { headers: { ...headers } })).status,
    })
    return { managed, proxy, start, to, ...to(proxy) }
  })

const give = (generation: number, ...users: GivenRegistryUser[]) => ({ body: { manager: 'm', generation, users } })

describe('users that a manager gives to a proxy', () => {
  test('count at once, within their rights, and beside those of files', async () => {
    await using made = await lab()
    const { admin, begun } = made
    const ann = basic('ann', OF_ANN)
    expect(await begun('team/a', ann)).toBe(401)
    await admin.giveRegistryUsers(give(1, user('ann', OF_ANN)))
    expect([await begun('team/a', ann), await begun('other/a', ann)]).toEqual([202, 202])
    // The rules of the config speak of her name, too.
    expect(await begun('other/a', basic('bob', 'of bob'))).toBe(202)
    // A name in both is the manager's.
    expect(await begun('team/a', basic('ann', 'of the file'))).toBe(401)
  })

  test('a user who is disabled, or has another secret, is refused at once, with the bearer tokens from before', async () => {
    await using made = await lab({ rules: [] })
    const { admin, begun, client } = made
    await admin.giveRegistryUsers(give(1, user('ann', OF_ANN), user('cy', 'shoal_of-cy')))
    const bearers = [
      await tokenFor(client, [SCOPE], basic('ann', OF_ANN)),
      await tokenFor(client, [SCOPE], basic('cy', 'shoal_of-cy')),
    ]
    const going = [basic('ann', OF_ANN), basic('cy', 'shoal_of-cy'), ...bearers.map(bearer)]
    const statuses = () => Promise.all(going.map((headers) => begun('team/a', headers)))
    expect(await statuses()).toEqual([202, 202, 202, 202])
    expect(await begun('other/a', basic('ann', OF_ANN))).toBe(404)
    await admin.giveRegistryUsers(give(2, user('ann', OF_ANN, { disabled: true }), user('cy', 'shoal_new')))
    expect(await statuses()).toEqual([401, 401, 401, 401])
    expect(await begun('team/a', basic('cy', 'shoal_new'))).toBe(202)
    // Of the file alone again.
    await admin.releaseRegistryUsers({})
    expect(await begun('team/a', basic('cy', 'shoal_new'))).toBe(401)
    expect((await client.send('GET', '/v2/', { headers: basic('ann', 'of the file') })).status).toBe(200)
  })

  test('a token counts by its text, and one of a file of the same name does not any more', async () => {
    await using folder = await tempFolder('tokens')
    const tokens = join(folder.path, 'tokens')
    const { token: ofFile, kept } = newToken({ name: 'ci', expiresMs: undefined, grants: [parseGrant('*=push')] })
    await writeFile(tokens, tokenFileText([kept]))
    await using made = await lab({ rules: [], tokens })
    const { admin, begun } = made
    expect(await begun('team/a', bearer(ofFile))).toBe(202)
    await admin.giveRegistryUsers(give(1, user('ci', 'shoal_of-ci', { kind: 'token' })))
    expect([await begun('team/a', bearer(ofFile)), await begun('team/a', basic('any', 'shoal_of-ci'))]).toEqual([
      401, 202,
    ])
  })

  test('are there after a restart, in a file that only its owner may read, without their secrets', async () => {
    await using made = await lab({ rules: [] })
    await made.admin.giveRegistryUsers(give(7, user('ann', OF_ANN)))
    const second = made.to(await made.start())
    expect(await second.begun('team/a', basic('ann', OF_ANN))).toBe(202)
    expect(await second.admin.registryUsers({})).toMatchObject({ by: 'admin', manager: 'm', generation: 7, count: 1 })
    const [file = ''] = await readdir(made.managed)
    expect((await stat(join(made.managed, file))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(made.managed, file), 'utf8')).not.toContain(OF_ANN)
    expect(JSON.stringify(await second.admin.registryUsers({}))).not.toContain(tokenHash(OF_ANN))
    await writeFile(join(made.managed, file), '{"by":"manager"')
    await expect(made.start()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('a set that makes no sense, is older, or not what was seen is refused whole', async () => {
    await using made = await lab({ rules: [] })
    const { admin, begun, proxy } = made
    await admin.giveRegistryUsers(give(2, user('ann', OF_ANN)))
    const bad: readonly (readonly [GivenRegistryUser[], string])[] = [
      [[user('cy', 'shoal_cy'), user('cy', 'shoal_other')], 'BODY_INVALID'],
      [[user('cy', 'shoal_cy'), user('dee', 'shoal_cy')], 'BODY_INVALID'],
      [[user('cy', 'shoal_cy', { grants: [{ repositories: ['Team/*'], actions: ['pull'] }] })], 'BODY_INVALID'],
      [[user('cy', 'shoal_cy', { sha256: 'shoal_cy' })], 'BODY_INVALID'],
    ]
    for (const [users, code] of bad)
      await expect(admin.giveRegistryUsers(give(3, ...users))).rejects.toMatchObject({ code })
    await expect(admin.giveRegistryUsers(give(1))).rejects.toMatchObject({ code: 'REGISTRY_USERS_STALE' })
    const unseen = await fetch(`${proxy.proxy.adminUrl}/registry/users`, {
      method: 'DELETE',
      headers: { 'if-match': '"old"' },
    })
    expect(unseen.status).toBe(412)
    expect(await begun('team/a', basic('ann', OF_ANN))).toBe(202)
    expect(await admin.registryUsers({})).toMatchObject({ generation: 2, users: [{ name: 'ann' }] })
  })

  test('a proxy whose config does not name a folder for them takes none', async () => {
    await using stack = await startProxyStack()
    const http = httpClient({ clock: systemClock() })
    await http.start()
    const admin = adminClient(http, stack.proxy.adminUrl, proxyAdmin)
    await expect(admin.giveRegistryUsers(give(1))).rejects.toMatchObject({ code: 'REGISTRY_USERS_OFF' })
    await expect(admin.registryUsers({})).rejects.toMatchObject({ code: 'REGISTRY_USERS_OFF' })
    await http.stop()
  })

  test('come page by page', async () => {
    await using made = await lab()
    const all = ['c', 'a', 'b'].map((name) => user(name, `shoal_${name}`))
    await made.admin.giveRegistryUsers(give(1, ...all))
    const first = await made.admin.registryUsers({ n: '2' })
    expect([first.users.map(({ name }) => name), first.next]).toEqual([['a', 'b'], 'user:b'])
    const second = await made.admin.registryUsers({ n: '2', last: first.next })
    expect([second.users.map(({ name }) => name), second.next]).toEqual([['c'], undefined])
  })
})
