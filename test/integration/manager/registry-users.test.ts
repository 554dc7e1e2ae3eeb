import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { adminClient, managerApi } from '../../../lib/api/index.ts'
import { systemClock } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { parseGrant } from '../../../lib/identity/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { basic, bearer } from '../../kit/registry-access.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { everySecret, secretOverrides } from '../../kit/secrets.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const http = httpClient({ clock: systemClock() }, { token: everySecret.admin })

let shoal: Topology
let folder: Awaited<ReturnType<typeof tempFolder>>
const manager = () => adminClient(http, shoal.url('manager-1', 'admin'), managerApi)

beforeAll(async () => {
  await http.start()
  folder = await tempFolder('given')
  shoal = await startTopology({
    ...{ agents: 0, origins: 1, trackers: 1, managers: 1, joinToken: 'join-token-of-a-test-0123456789', processes: [] },
    overrides: [
      ...secretOverrides(),
      'manager.clusters.heartbeat=500ms',
      `proxy.registry.access.managed=${folder.path}`,
    ],
  })
})

afterAll(async () => {
  await shoal[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
  await http.stop()
})

/** Every proxy has what it is to have. */
const applied = () =>
  eventually(async () => {
    const seen = await manager().registryProxies({})
    expect(seen).toMatchObject({ applied: 1, of: 1, proxies: [{ proxy: 'proxy-1', state: 'applied' }] })
  })

/** The status of a request to the proxy. */
const answer = async (path: string, headers: Readonly<Record<string, string>>, method = 'GET') =>
  (await registryClient(shoal.url('proxy-1', 'registry'), { headers }).send(method, path)).status

const pushes = (repository: string, headers: Readonly<Record<string, string>>) =>
  answer(`/v2/${repository}/blobs/uploads/`, headers, 'POST')

describe('a user of registries who is made at a manager', () => {
  test('pushes and pulls within his rights, until he is disabled; proxies keep that without the manager', async () => {
    const made = await manager().createRegistryUser({
      body: { name: 'ann', kind: 'user', grants: [parseGrant('team/*=pull,push')] },
    })
    const ci = await manager().createRegistryUser({
      body: { name: 'ci', kind: 'token', grants: [parseGrant('team/*=pull')] },
    })
    await applied()
    const ann = basic('ann', made.secret)
    const { path, bytes } = await pushBlobOf(shoal, 'team/a', 1000, ann)
    const pulled = await registryClient(shoal.url('proxy-1', 'registry'), { headers: ann }).send('GET', path)
    expect([pulled.status, pulled.body.equals(bytes)]).toEqual([200, true])
    expect([await answer(path, bearer(ci.secret)), await answer(path, basic('ann', 'shoal_reg_wrong'))]).toEqual([
      200, 401,
    ])
    expect([await pushes('other/a', ann), await pushes('team/a', bearer(ci.secret))]).not.toContain(202)

    await manager().changeRegistryUser({ user: 'ann', body: { disabled: true } })
    await applied()
    expect([await answer(path, ann), await answer(path, bearer(ci.secret))]).toEqual([401, 200])

    await shoal.stop('manager-1')
    await shoal.stop('proxy-1')
    await shoal.start('proxy-1')
    expect([await answer(path, ann), await answer(path, bearer(ci.secret))]).toEqual([401, 200])

    await shoal.start('manager-1')
    const again = await manager().rotateRegistryUser({ user: 'ci' })
    await applied()
    expect([await answer(path, bearer(ci.secret)), await answer(path, bearer(again.secret))]).toEqual([401, 200])
  })

  test('is for the clusters that are named, and not changed by who has not seen what he is', async () => {
    const unknown = manager().createRegistryUser({
      body: { name: 'eve', kind: 'user', grants: [], clusters: ['nowhere'] },
    })
    await expect(unknown).rejects.toMatchObject({ code: 'CLUSTER_UNKNOWN' })
    await manager().createRegistryUser({ body: { name: 'eve', kind: 'user', grants: [], clusters: ['herd'] } })
    const url = `${shoal.url('manager-1', 'admin')}/api/v1/registry-users/eve`
    const authorized = bearer(everySecret.admin)
    const tag = (await fetch(url, { headers: authorized })).headers.get('etag') ?? ''
    const change = async (json: object) => {
      const headers = { ...authorized, 'content-type': 'application/json', 'if-match': tag }
      return (await fetch(url, { method: 'PATCH', headers, body: JSON.stringify(json) })).status
    }
    expect([await change({ clusters: null }), await change({ disabled: true })]).toEqual([200, 412])
    for (const [path, method] of [
      ['', 'DELETE'],
      ['/secret', 'POST'],
    ] as const) {
      const late = await fetch(url + path, { method, headers: { ...authorized, 'if-match': tag } })
      expect(late.status).toBe(412)
    }
    const eve = await manager().registryUser({ user: 'eve' })
    expect([eve.disabled, eve.clusters]).toEqual([false, undefined])
    await manager().removeRegistryUser({ user: 'eve' })
    await expect(manager().registryUser({ user: 'eve' })).rejects.toMatchObject({ code: 'REGISTRY_USER_UNKNOWN' })
  })

  test('is told with the names of his clusters, whatever they were given by; a new name changes nothing of him', async () => {
    const { id } = await manager().createCluster({ body: { name: 'attic' } })
    const named = { name: 'joe', clusters: ['attic', 'herd'] }
    const made = await manager().createRegistryUser({
      body: { name: 'joe', kind: 'user', grants: [], clusters: [id, 'herd'] },
    })
    expect(made.kept).toMatchObject(named)
    expect(await manager().registryUser({ user: 'joe' })).toMatchObject(named)
    expect((await manager().registryUsers({})).users.find(({ name }) => name === 'joe')).toMatchObject(named)
    expect((await manager().rotateRegistryUser({ user: 'joe' })).kept).toMatchObject(named)
    const url = `${shoal.url('manager-1', 'admin')}/api/v1/registry-users/joe`
    const seen = await fetch(url, { headers: bearer(everySecret.admin) })
    await manager().changeCluster({ cluster: 'attic', body: { name: 'loft' } })
    const changed = await fetch(url, {
      ...{ method: 'PATCH', body: JSON.stringify({ note: 'moved' }) },
      headers: {
        ...{ ...bearer(everySecret.admin), 'content-type': 'application/json' },
        'if-match': seen.headers.get('etag') ?? '',
      },
    })
    expect(await changed.json()).toMatchObject({ clusters: ['loft', 'herd'], note: 'moved' })
    await manager().removeCluster({ cluster: 'loft' })
    expect(await manager().registryUser({ user: 'joe' })).toMatchObject({ clusters: [id, 'herd'] })
    await manager().removeRegistryUser({ user: 'joe' })
  })
})
