import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { adminClient, buildIndexAdmin, managerApi } from '../../../lib/api/index.ts'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { bearer } from '../../kit/registry-access.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { everySecret, secretOverrides } from '../../kit/secrets.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const http = httpClient({ clock: systemClock() }, { token: everySecret.admin })
const random = seededRandom(Number(process.env['SEED'] ?? 14))
const indexes = ['build-index-1', 'build-index-2']
const stack = resourceStack()
let near: Topology
let far: Topology
const manager = () => adminClient(http, near.url('manager-1', 'admin'), managerApi)

/** What build-indexes of a cluster have besides the plan of a herd; they take relations, and have the secret for others. */
const indexConfig = (cluster: string, more: object = {}) => ({
  ...{ cluster, ...more },
  replication: {
    retry: { first: '200ms', most: '1s' },
    managed: { secrets: [{ hosts: ['127.0.0.1'], secret: everySecret.peering }] },
  },
})
/** Origins with secrets of their own send blobs to those who are named alone. */
const sending = { send: { allow: ['127.0.0.1'] } }
const size = { agents: 0, origins: 1, trackers: 1, processes: [] }

beforeAll(async () => {
  await http.start()
  near = stack.own(
    await startTopology({
      ...{ ...size, managers: 1, joinToken: 'join-token-of-a-test-0123456789' },
      overrides: [...secretOverrides(), 'manager.clusters.heartbeat=500ms'],
      more: (kind) => (kind === 'buildIndex' ? indexConfig('near') : kind === 'origin' ? sending : {}),
    }),
  )
  await manager().createCluster({ body: { name: 'far' } })
  const { token } = await manager().createJoinToken({ cluster: 'far', body: { name: 'test' } })
  const join = { url: near.url('manager-1'), token }
  far = stack.own(
    await startTopology({
      ...{ ...size, overrides: secretOverrides() },
      more: (kind, id) => (kind === 'buildIndex' ? indexConfig('far', { manager: { ...join, member: id } }) : {}),
    }),
  )
}, 300_000)

afterAll(async () => {
  await stack[Symbol.asyncDispose]()
  await http.stop()
})

const registryOf = (shoal: Topology) =>
  registryClient(shoal.url('proxy-1', 'registry'), { headers: bearer(everySecret.push) })

/** All services of both clusters are in this process: on a busy machine each of them waits for all others. */
const LONG = { timeoutMs: 180_000 }

async function push(tag: string): Promise<string> {
  const image = imageFixture(random, [1000])
  await pushImage(registryOf(near), 'team/app', image, [tag])
  return image.manifest.digest
}

/** The far cluster has the tag; undefined: nobody has sent it. */
const digestThere = async (tag: string) =>
  (await registryOf(far).send('HEAD', `/v2/team/app/manifests/${tag}`)).headers['docker-content-digest']

const arrives = (tag: string, digest: string) =>
  eventually(async () => expect(await digestThere(tag)).toBe(digest), LONG)

const adminOf = (id: string) => adminClient(http, near.url(id, 'admin'), buildIndexAdmin)

/** Each build-index of the near cluster obeys the present relations, and replicates to these. */
const obeyed = (names: readonly string[]) =>
  eventually(async () => {
    const states = await manager().relationStates({})
    expect(states).toMatchObject({ applied: states.of })
    for (const id of indexes) expect((await adminOf(id).remotes({})).remotes.map(({ name }) => name)).toEqual(names)
  }, LONG)

/** No build-index has taken an order to send the tag. */
async function isUnsent(tag: string): Promise<void> {
  for (const id of indexes) {
    const { replications } = await adminOf(id).replications({ repository: 'team/app' })
    expect(replications.map((each) => each.tag)).not.toContain(tag)
  }
  expect(await digestThere(tag)).toBeUndefined()
}

describe('a relation that is made at a manager', () => {
  test('replicates tags with no file edited, also with the manager away, until it is paused or removed', async () => {
    await eventually(async () => {
      const { members } = await manager().members({ cluster: 'far', kind: 'buildIndex' })
      expect(members).toHaveLength(indexes.length)
    })
    const body = { from: 'herd', to: 'far', rules: [{ repository: 'team/*', tag: '*' }] }
    const { id } = await manager().createRelation({ body })
    await obeyed(['far'])
    await arrives('1', await push('1'))
    const urls = indexes.map((each) => far.url(each)).toSorted()
    await eventually(async () => {
      const { relations } = await manager().relations({ cluster: 'far' })
      expect(relations).toMatchObject([{ origin: 'managed', id, from: 'herd', to: 'far', urls, reachable: true }])
    })

    await near.stop('manager-1')
    await arrives('2', await push('2'))
    await near.start('manager-1')

    await manager().changeRelation({ relation: 'herd:far', body: { isPaused: true } })
    await obeyed([])
    const third = await push('3')
    await isUnsent('3')
    await manager().changeRelation({ relation: id, body: { isPaused: false } })
    await obeyed(['far'])
    await arrives('3', third)

    await manager().removeRelation({ relation: id })
    await obeyed([])
    await push('4')
    await isUnsent('4')
  }, 900_000)

  test('is changed only by who has seen it, and holds its clusters', async () => {
    const rules = [{ repository: 'none/*', tag: '*' }]
    const relation = await manager().createRelation({ body: { from: 'far', to: 'herd', rules } })
    const url = `${near.url('manager-1', 'admin')}/api/v1/relations/${relation.id}`
    const authorized = bearer(everySecret.admin)
    const tag = (await fetch(url, { headers: authorized })).headers.get('etag') ?? ''
    const change = async (json: object) => {
      const headers = { ...authorized, 'content-type': 'application/json', 'if-match': tag }
      return (await fetch(url, { method: 'PATCH', headers, body: JSON.stringify(json) })).status
    }
    expect([await change({ note: 'seen' }), await change({ note: 'unseen' })]).toEqual([200, 412])
    const late = await fetch(url, { method: 'DELETE', headers: { ...authorized, 'if-match': tag } })
    expect([late.status, (await manager().relation({ relation: 'far:herd' })).note]).toEqual([412, 'seen'])
    const self = manager().createRelation({ body: { from: 'far', to: 'far', rules } })
    await expect(self).rejects.toMatchObject({ code: 'RELATION_SELF' })
    await manager().createCluster({ body: { name: 'third' } })
    await manager().createRelation({ body: { from: 'far', to: 'third', rules, isPaused: true } })
    await expect(manager().removeCluster({ cluster: 'third' })).rejects.toMatchObject({ code: 'CLUSTER_IN_USE' })
    for (const to of ['herd', 'third']) await manager().removeRelation({ relation: `far:${to}` })
    await manager().removeCluster({ cluster: 'third' })
  })
})
