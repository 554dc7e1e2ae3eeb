import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { type Clusters, startClusters, type TestCluster } from '../../kit/clusters.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { type ScriptedServer, type SeenRequest, scriptedServer } from '../../kit/scripted-server.ts'

const random = seededRandom(Number(process.env['SEED'] ?? 11))
const secret = 'the-secret-of-the-webhook'

let receiver: ScriptedServer
let status: number
let clusters: Clusters
let near: TestCluster

beforeAll(async () => {
  status = 204
  receiver = await scriptedServer((_, res) => void res.writeHead(status).end())
  const hook = (path: string, more: object = {}) => ({ url: `${receiver.url}/${path}`, secret, ...more })
  const hooks = {
    near: {
      all: hook('near', { rules: [{ repository: 'team/*' }] }),
      deletes: hook('deletes', { events: ['delete'], rules: [{ repository: 'team/app' }] }),
    },
    far: { all: hook('far') },
  }
  clusters = await startClusters({
    replication: { retry: { first: '50ms', most: '100ms', tries: 3 } },
    overrides: {
      near: [`buildIndex.webhooks=${JSON.stringify(hooks.near)}`],
      far: [`buildIndex.webhooks=${JSON.stringify(hooks.far)}`],
    },
    clusters: { near: { far: { deletes: true } }, far: {} },
  })
  near = clusters.at('near')
})
afterAll(async () => {
  await clusters[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

interface Told {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

const dataOf = ({ body }: SeenRequest): Told['data'] => {
  const { type, data } = JSON.parse(body.toString()) as Told
  return { type, ...data }
}
/** What was told at a path about a tag, each message once. */
const told = (path: string, tag: string) => {
  const fitting = receiver.requests.filter((request) => request.url === `/${path}` && dataOf(request)['tag'] === tag)
  return [...new Map(fitting.map((request) => [request.headers['webhook-id'], dataOf(request)])).values()]
}

describe('a webhook', () => {
  test('is told of a push, of the same tag in the other cluster, and of its deletion; each message is signed', async () => {
    const { manifest } = await push('team/app', '1.0')
    const facts = { repository: 'team/app', tag: '1.0', digest: manifest.digest, mediaType: manifest.mediaType }
    await eventually(() => {
      expect(told('near', '1.0')).toMatchObject([{ type: 'push', cluster: 'near', ...facts }])
      expect(told('far', '1.0')).toMatchObject([{ type: 'replicated', cluster: 'far', from: 'near', ...facts }])
    })
    expect((await near.registry.send('DELETE', '/v2/team/app/manifests/1.0')).status).toBe(202)
    await eventually(() => {
      const gone = { type: 'delete', repository: 'team/app', tag: '1.0' }
      expect(told('near', '1.0')[1]).toEqual({ ...gone, cluster: 'near' })
      expect(told('far', '1.0')[1]).toEqual({ ...gone, cluster: 'far', from: 'near' })
      expect(told('deletes', '1.0')).toEqual([{ ...gone, cluster: 'near' }])
    })
    for (const { headers, body } of receiver.requests) {
      const signed = [headers['webhook-id'], headers['webhook-timestamp'], body.toString()].join('.')
      const signature = createHmac('sha256', secret).update(signed).digest('base64')
      expect(headers['webhook-signature']).toBe(`v1,${signature}`)
    }
  })

  test('that answers with an error is told again, then is a dead letter until somebody tries it again', async () => {
    status = 500
    await push('team/later', '2.0')
    const target = { remote: 'all', repository: 'team/later', tag: '2.0' }
    const found = await eventually(async () => {
      const one = await near.admin().replication(target)
      expect(one.state).toBe('dead')
      return one
    })
    expect(found.lastError).toEqual({ code: 'WEBHOOK_FAILED', message: 'the webhook answered 500' })
    const tries = receiver.requests.filter((request) => request.url === '/near' && dataOf(request)['tag'] === '2.0')
    expect(new Set(tries.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(tries).toHaveLength(3)
    status = 200
    await near.admin().retryReplication(target)
    await eventually(async () => expect(await near.admin().replication(target)).toMatchObject({ state: 'done' }))
    expect(told('near', '2.0')).toHaveLength(1)
  })

  test('hears nothing of what no rule of it names, and an admin sees them all, without what is secret', async () => {
    await push('other/app', '3.0')
    await eventually(() => expect(told('far', '3.0')).toHaveLength(1))
    expect(told('near', '3.0')).toEqual([])
    const { webhooks } = await near.admin().remotes({})
    const origin = receiver.url
    expect(webhooks).toEqual([
      { name: 'all', origin, events: ['push', 'delete', 'replicated'], rules: [{ repository: 'team/*', tag: '*' }] },
      { name: 'deletes', origin, events: ['delete'], rules: [{ repository: 'team/app', tag: '*' }] },
    ])
  })
})

async function push(repository: string, tag: string) {
  const image = imageFixture(random, [100])
  await pushImage(near.registry, repository, image, [tag])
  return image
}
