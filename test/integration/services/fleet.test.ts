import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { adminClient, type JobAnswer, type JobBody, trackerAdmin } from '../../../lib/api/index.ts'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { slowPull } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const MIB = 1024 * 1024

const http = disposableHttp()
afterAll(async () => http[Symbol.asyncDispose]())
const trackerOf = (shoal: Topology, id: string) => adminClient(http, shoal.url(id, 'admin'), trackerAdmin)

/** Waits until all agents have come to the tracker. */
const gathered = (shoal: Topology, id: string, count: number) =>
  eventually(async () => expect(await trackerOf(shoal, id).statistics({})).toMatchObject({ listening: count }))

async function ended(shoal: Topology, id: string, body: JobBody): Promise<JobAnswer> {
  const tracker = trackerOf(shoal, id)
  const { id: job } = await tracker.order({ body })
  return eventually(async () => {
    const now = await tracker.job({ id: job })
    expect(now.endedAtMs).toBeDefined()
    return now
  })
}

const fetched = async (shoal: Topology, agent: string) =>
  (await shoal.counter(agent, 'shoal_received_bytes_total', 'from="peer"')) +
  (await shoal.counter(agent, 'shoal_received_bytes_total', 'from="origin"'))

/** Agents 1 and 2 in zone a, and agent 3 in zone b, with a slow line. */
async function startFleet(): Promise<Topology> {
  const shoal = await startTopology({
    ...{ agents: 3, origins: 2, trackers: 2, processes: [] },
    overrides: ['tracker.fleet.gather=0s'],
    more: (kind, id) => {
      if (kind !== 'agent') return {}
      return id === 'agent-3'
        ? { zone: 'b', limits: { download: '1MB/s' } }
        : { zone: 'a', labels: { host: `node-${id}` } }
    },
  })
  for (const id of ['tracker-1', 'tracker-2']) await gathered(shoal, id, 3)
  return shoal
}

describe('the agents of a cluster', () => {
  let shoal: Topology

  beforeAll(async () => {
    shoal = await startFleet()
  })
  afterAll(async () => shoal[Symbol.asyncDispose]())

  test('say what they hold: nothing, part or whole, whichever tracker asks', async () => {
    const blob = await pushBlobOf(shoal, 'fleet-blob', 6 * MIB)
    const cut = await slowPull(shoal.url('agent-3', 'registry') + blob.path)
    await cut.readTo(MIB)
    cut.destroy()
    const whole = await slowPull(shoal.url('agent-1', 'registry') + blob.path)
    expect(await whole.finish()).toBe(blob.digest)
    await eventually(async () => {
      const asked = await ended(shoal, 'tracker-2', { kind: 'query', target: blob.digest, all: true })
      expect(asked).toMatchObject({ state: 'done', holds: { nothing: 1, part: 1, whole: 1 } })
      const { hosts } = await trackerOf(shoal, 'tracker-2').jobHosts({ id: asked.id, holds: 'part' })
      expect(hosts).toMatchObject([{ zone: 'b', progress: { blobs: 1, partBlobs: 1, doneBlobs: 0, bytes: 6 * MIB } }])
      expect(hosts[0]?.progress.doneBytes).toBeGreaterThanOrEqual(MIB - 65_536)
      expect(hosts[0]?.progress.doneBytes).toBeLessThan(6 * MIB)
    })
  })

  test('pin, unpin and delete a blob where they are told to', async () => {
    const blob = await pushBlobOf(shoal, 'fleet-pinned', MIB)
    const here = { target: `fleet-pinned@${blob.digest}`, hosts: ['node-agent-1'] }
    expect(await ended(shoal, 'tracker-1', { ...here, kind: 'pin' })).toMatchObject({ failures: { BLOB_UNKNOWN: 1 } })
    for (const kind of ['preload', 'pin', 'unpin', 'delete', 'delete'] as const) {
      const done = await ended(shoal, 'tracker-1', { ...here, kind })
      expect(done).toMatchObject({ kind, state: 'done', progress: { blobs: 1, doneBlobs: 1 }, failures: {} })
    }
    const asked = await ended(shoal, 'tracker-1', { ...here, kind: 'query' })
    expect(asked.holds).toEqual({ nothing: 1, part: 0, whole: 0 })
  })
})

test('the agents of a zone preload an image, and then give it when only the build-index lives', async () => {
  await using shoal = await startFleet()
  const image = imageFixture(seededRandom(11), [2 * MIB + 1, 70_000, 0, 100])
  const blobs = [image.config, ...image.layers]
  await pushImage(registryClient(shoal.url('proxy-1', 'registry')), 'fleet/app', image, ['1.0'])
  const done = await ended(shoal, 'tracker-2', { kind: 'preload', target: 'fleet/app:1.0', zone: 'a' })
  const bytes = [image.manifest, ...blobs].reduce((sum, each) => sum + each.bytes.byteLength, 0)
  expect(done).toMatchObject({
    ...{ state: 'done', image: true, digest: image.manifest.digest, hosts: { done: 2 } },
    progress: { blobs: 12, doneBlobs: 12, bytes: 2 * bytes, doneBytes: 2 * bytes },
  })
  const asked = await ended(shoal, 'tracker-1', { kind: 'query', target: 'fleet/app:1.0', all: true })
  expect(asked.holds).toEqual({ nothing: 1, part: 0, whole: 2 })
  const before = await Promise.all(['agent-1', 'agent-2'].map((id) => fetched(shoal, id)))
  await Promise.all(['origin-1', 'origin-2', 'tracker-1', 'tracker-2'].map((id) => shoal.stop(id)))
  for (const id of ['agent-1', 'agent-2']) {
    const agent = registryClient(shoal.url(id, 'registry'))
    const manifest = await agent.send('GET', '/v2/fleet/app/manifests/1.0')
    expect([manifest.status, manifest.headers['content-type']]).toEqual([200, image.manifest.mediaType])
    for (const { digest, bytes: content } of blobs) {
      const { status, body } = await agent.send('GET', `/v2/fleet/app/blobs/${digest}`)
      expect([status, body.equals(content)]).toEqual([200, true])
    }
  }
  expect(await Promise.all(['agent-1', 'agent-2'].map((id) => fetched(shoal, id)))).toEqual(before)
})

test('a pinned blob outlives a restart and an eviction, and one that is no longer pinned does not', async () => {
  const overrides = ['tracker.fleet.gather=0s', 'agent.store.capacity=24MiB']
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [], overrides })
  await gathered(shoal, 'tracker-1', 1)
  const blobs = new Map<string, string>()
  for (const name of ['first', 'second', 'third', 'fourth']) {
    blobs.set(name, `${name}@${(await pushBlobOf(shoal, name, 8 * MIB)).digest}`)
  }
  const told = async (kind: JobBody['kind'], name: string) => {
    const job = await ended(shoal, 'tracker-1', { kind, target: blobs.get(name) ?? '', all: true })
    expect(job).toMatchObject({ kind, state: 'done' })
    return job
  }
  const held = async () => {
    const jobs = await Promise.all([...blobs.keys()].map(async (name) => [name, await told('query', name)] as const))
    return jobs.filter(([, { holds }]) => holds?.whole === 1).map(([name]) => name)
  }
  await told('preload', 'first')
  await told('pin', 'first')
  await told('preload', 'second')
  await shoal.stop('agent-1')
  await shoal.start('agent-1')
  // There is room for less than three, and the first was used before the others.
  const others = ['second', 'third', 'fourth']
  for (const name of others) await told('preload', name)
  expect(await held()).toContain('first')
  await told('unpin', 'first')
  // One that is in use at that moment stays.
  await eventually(async () => {
    for (const name of others) await told('preload', name)
    expect(await held()).not.toContain('first')
  })
})
