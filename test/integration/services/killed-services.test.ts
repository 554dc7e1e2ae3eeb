import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { storePaths } from '../../../lib/store/disk/store-paths.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { type PushedBlob, pushBlobOf } from '../../kit/pushed-blob.ts'
import { closingUrl, registryClient } from '../../kit/registry-client.ts'
import { pullDigest, type SlowPull, slowPull } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const MIB = 1024 * 1024
const size = 12 * MIB
const origins = ['origin-1', 'origin-2', 'origin-3'] as const
const trackers = ['tracker-1', 'tracker-2'] as const
const buildIndexes = ['build-index-1', 'build-index-2'] as const
const lateAgents = ['agent-2', 'agent-3'] as const

let shoal: Topology

beforeAll(async () => {
  shoal = await startTopology({
    agents: 3,
    origins: origins.length,
    trackers: trackers.length,
    processes: [...origins, ...trackers, ...buildIndexes, ...lateAgents],
    // The limits make a pull take seconds, so that it can be interrupted, and make agents that pull together share
    // pieces.
    overrides: ['agent.limits.download=6MB/s', 'origin.limits.upload=3MB/s'],
  })
})

afterAll(async () => {
  await shoal[Symbol.asyncDispose]()
})

const agentUrl = (path: string, agent = 'agent-1') => shoal.url(agent, 'registry') + path

/** Kills some services during the work; starts them again also when the work fails. */
async function withKilled<T>(ids: readonly string[], work: () => Promise<T>): Promise<T> {
  await Promise.all(ids.map((id) => shoal.kill(id)))
  try {
    return await work()
  } finally {
    await Promise.all(ids.map((id) => shoal.start(id)))
  }
}

/** A pull by an agent with an empty cache, of which a quarter has arrived. */
async function pullUnderWay({ path }: PushedBlob, agent?: string): Promise<SlowPull> {
  const pull = await slowPull(agentUrl(path, agent))
  await pull.readTo(size / 4)
  return pull
}

describe('a pull under way completes with the right bytes', () => {
  test.each([...origins, ...trackers])('when %s is killed', async (id) => {
    const blob = await pushBlobOf(shoal, `pulled/without-${id}`, size)
    const pull = await pullUnderWay(blob)
    const digest = await withKilled([id], () => pull.finish())
    expect(digest).toBe(blob.digest)
  })

  test('when both its owners are killed and the last origin has to bring it from the backend', async () => {
    const blob = await pushBlobOf(shoal, 'pulled/without-owners', size)
    const owners = origins.filter((id) => existsSync(storePaths(join(shoal.data, id)).blob(blob.digest).data))
    expect(owners).toHaveLength(2)
    const pull = await pullUnderWay(blob)
    const digest = await withKilled(owners, () => pull.finish())
    expect(digest).toBe(blob.digest)
  })

  test('when all trackers are killed, and so does a pull that begins after that', async () => {
    const blob = await pushBlobOf(shoal, 'pulled/without-trackers', size)
    const next = await pushBlobOf(shoal, 'pulled/after-trackers', size)
    const pull = await pullUnderWay(blob)
    const digests = await withKilled(trackers, async () => [await pull.finish(), await pullDigest(agentUrl(next.path))])
    expect(digests).toEqual([blob.digest, next.digest])
  })

  test('when all other agents of its swarm are killed', async () => {
    const blob = await pushBlobOf(shoal, 'pulled/without-agents', size)
    const pulls = await Promise.all(['agent-1', ...lateAgents].map((agent) => pullUnderWay(blob, agent)))
    const [kept, ...cut] = pulls.map((pull) => pull.finish().catch(() => 'cut'))
    const digest = await withKilled(lateAgents, async () => {
      expect(await Promise.all(cut)).toEqual(['cut', 'cut'])
      return kept
    })
    expect(digest).toBe(blob.digest)
  })
})

describe('an image', () => {
  test.each(buildIndexes)('can be pulled by tag while %s is dead', async (id) => {
    // Enough repositories that some of them belong to the dead instance.
    const names = Array.from({ length: 6 }, (_, index) => `pulled/dead-${id}-${index}`)
    const images = names.map((_, index) => imageFixture(seededRandom(index), [100]))
    const proxy = registryClient(shoal.url('proxy-1', 'registry'))
    for (const [index, image] of images.entries()) await pushImage(proxy, names[index] ?? '', image, ['t'])
    const agent = registryClient(shoal.url('agent-1', 'registry'))
    const digests = await withKilled([id], () =>
      Promise.all(names.map(async (name) => digestOf((await agent.send('GET', `/v2/${name}/manifests/t`)).body))),
    )
    expect(digests).toEqual(images.map(({ manifest }) => manifest.digest))
  })
})

describe('a push whose origin is killed', () => {
  test('is told that its upload is gone, and the whole push succeeds when it is tried again', async () => {
    const bytes = cipherBytes('killed upload', size)
    const digest = digestOf(bytes)
    const name = 'pushed/again'
    const client = registryClient(shoal.url('proxy-1', 'registry'))
    const before = new Map(await Promise.all(origins.map(async (id) => [id, await receivedBy(id)] as const)))
    const opened = await client.send('POST', `/v2/${name}/blobs/uploads/`)
    const { req, answer } = openPatch(opened.headers.location ?? '')
    req.write(bytes.subarray(0, size / 2))
    const holder = await eventually(async () => {
      for (const id of origins) if ((await receivedBy(id)) > (before.get(id) ?? 0)) return id
      throw new Error('no origin has got anything')
    })
    await withKilled([holder], async () => {
      const { statusCode } = await answer
      expect(statusCode).toBe(404)
      req.destroy()
      const closed = await client.send('PUT', closingUrl(opened.headers.location ?? '', digest))
      expect([closed.status, closed.errorCode()]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN'])
      expect((await client.pushBlob(name, digest, bytes)).status).toBe(201)
      expect(await pullDigest(agentUrl(`/v2/${name}/blobs/${digest}`))).toBe(digest)
    })
  })
})

const receivedBy = (id: string) => shoal.counter(id, 'shoal_received_bytes_total', 'from="client"')

/** A PATCH whose body has no end. */
function openPatch(location: string) {
  const url = location.startsWith('http') ? location : shoal.url('proxy-1', 'registry') + location
  const req = request(url, { method: 'PATCH', agent: false })
  req.on('error', () => undefined)
  const answer = once(req, 'response').then(([res]) => res as IncomingMessage)
  return { req, answer }
}
