import { afterAll, expect, test } from '@jest/globals'
import { adminClient, trackerAdmin } from '../../../lib/api/index.ts'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { startTopology } from '../../kit/topology.ts'

const http = disposableHttp()
afterAll(async () => http[Symbol.asyncDispose]())

test('an image that a registry tells of is fetched by the chosen agents', async () => {
  const planned: { preload?: object } = {}
  await using shoal = await startTopology({
    ...{ agents: 2, origins: 1, trackers: 1, processes: [], later: ['proxy-1'] },
    overrides: ['tracker.fleet.gather=0s'],
    optional: true,
    more: (kind, id) => {
      if (kind === 'agent') return { zone: id === 'agent-1' ? 'a' : 'b' }
      return kind === 'proxy' ? planned : {}
    },
  })
  planned.preload = { trackers: [{ id: 'tracker-1', url: shoal.url('tracker-1', 'admin') }], zone: 'a' }
  await shoal.start('proxy-1')
  const tracker = adminClient(http, shoal.url('tracker-1', 'admin'), trackerAdmin)
  await eventually(async () => expect(await tracker.statistics({})).toMatchObject({ listening: 2 }))

  const image = imageFixture(seededRandom(3), [100_000])
  await pushImage(registryClient(shoal.url('proxy-1', 'registry')), 'team/app', image, ['1.0'])
  const { digest, mediaType } = image.manifest
  const told = { events: [{ action: 'push', target: { mediaType, digest, repository: 'team/app' } }] }
  const answer = await registryClient(shoal.url('proxy-1', 'kraken')).send('POST', '/registry/notifications', {
    headers: { 'content-type': 'application/vnd.docker.distribution.events.v1+json' },
    body: Buffer.from(JSON.stringify(told)),
  })
  expect(answer.status).toBe(200)
  await eventually(async () =>
    expect((await tracker.jobs({})).jobs).toMatchObject([
      { kind: 'preload', state: 'done', digest, hosts: { done: 1 }, scope: { zone: 'a' } },
    ]),
  )
  expect(await shoal.counter('agent-1', 'shoal_received_bytes_total', 'from="origin"')).toBeGreaterThan(100_000)
  expect(await shoal.counter('agent-2', 'shoal_received_bytes_total', 'from="origin"')).toBe(0)
})
