import { expect, test } from '@jest/globals'
import { type Backend, memoryBackend } from '../../lib/backend/index.ts'
import { type Clock, fakeClock } from '../../lib/base/index.ts'
import { parseConfig } from '../../lib/config/index.ts'
import { digestOf } from '../../lib/core/index.ts'
import { type RecordingMetrics, recordingMetrics, silentLogger } from '../../lib/telemetry/index.ts'
import { agentSchema } from '../../services/agent/config.ts'
import { agentService } from '../../services/agent/service.ts'
import { buildIndexSchema, buildIndexService } from '../../services/build-index/index.ts'
import { proxySchema, proxyService } from '../../services/proxy/index.ts'
import { memoryOrigin, type SharedBlobs } from '../kit/memory-origin.ts'
import { registryClient } from '../kit/registry-client.ts'
import { buildResource } from '../kit/resource-stack.ts'
import { tempFolder } from '../kit/temp-folder.ts'

/** Somebody asks proxies and build-indexes for names that are nowhere. */

const ANY_PORT = { bind: '127.0.0.1:auto' }
const nothing = (i: number) => digestOf(Buffer.from(`nothing ${i}`))

/** Two build-indexes on one backend, each with a proxy of its own: as if the proxies saw the ring differently. */
const startPair = (given: { readonly clock?: Clock } = {}) =>
  buildResource(async (stack) => {
    const blobs: SharedBlobs = new Map()
    const origin = stack.own(await memoryOrigin({ id: 'o1', blobs }))
    const memory = memoryBackend()
    let looks = 0
    const backend: Backend = {
      ...memory,
      // What a build-index looks at when it starts, and now and then, are no names of repositories.
      async read(key, ...rest) {
        if (key.startsWith('index/repositories/')) looks += 1
        return memory.read(key, ...rest)
      },
    }
    const own = async <S extends { start(): Promise<void>; stop(): Promise<void> }>(service: S): Promise<S> => {
      await service.start()
      stack.own({ [Symbol.asyncDispose]: () => service.stop() })
      return service
    }
    const side = async () => {
      const metrics = { index: recordingMetrics(), proxy: recordingMetrics() }
      const index = await own(
        buildIndexService(
          { ...given, backend, logger: silentLogger(), metrics: metrics.index },
          parseConfig(buildIndexSchema, { http: ANY_PORT, ops: ANY_PORT, admin: ANY_PORT, drain: '0ms' }),
        ),
      )
      const proxy = await own(
        proxyService(
          { ...given, logger: silentLogger(), metrics: metrics.proxy },
          parseConfig(proxySchema, {
            registry: { listener: ANY_PORT, uploadSecret: 'a secret for tests' },
            ops: ANY_PORT,
            admin: ANY_PORT,
            origins: { members: [{ id: origin.id, url: origin.url }] },
            buildIndexes: { members: [{ id: 'b1', url: index.url }] },
            drain: '0ms',
          }),
        ),
      )
      return { index, proxy, metrics }
    }
    const sides = [await side(), await side()] as const
    return { sides, reads: () => looks }
  })

async function statusesOf(urls: readonly string[]): Promise<Readonly<Record<number, number>>> {
  const counts: Record<number, number> = {}
  const ask = async (url: string) => {
    const answer = await fetch(url)
    await answer.arrayBuffer()
    counts[answer.status] = (counts[answer.status] ?? 0) + 1
    if ([429, 503].includes(answer.status)) expect(answer.headers.get('retry-after')).toBe('1')
  }
  await Promise.all(urls.map(ask))
  return counts
}

const refusals = (metrics: RecordingMetrics) => metrics.value('shoal_http_looks_refused_total')

test('500 names at once cost a look each; one name that 500 ask for costs a few', async () => {
  await using it = await startPair()
  const [{ proxy }] = it.sides
  const names = (i: number) => (i % 2 === 0 ? `manifests/v${i}` : `blobs/${nothing(i)}`)
  expect(await statusesOf(Array.from({ length: 500 }, (_, i) => `${proxy.url}/v2/team/x/${names(i)}`))).toEqual({
    404: 500,
  })
  expect(it.reads()).toBe(500)

  const beganMs = performance.now()
  const same = Array.from({ length: 500 }, () => `${proxy.url}/v2/team/x/manifests/latest`)
  expect(await statusesOf(same)).toEqual({ 404: 500 })
  // Four looks in a second, if they take no time.
  expect(it.reads() - 500).toBeLessThanOrEqual(2 + (performance.now() - beganMs) / 250)
})

test('a client that asks on is refused, and others are not', async () => {
  // No time passes, so nothing is earned again.
  await using it = await startPair({ clock: fakeClock() })
  const [{ proxy, index, metrics }] = it.sides
  const blob = (i: number) => `${proxy.url}/v2/team/x/blobs/${nothing(i)}`
  for (let from = 0; from < 2000; from += 250) {
    expect(await statusesOf(Array.from({ length: 250 }, (_, i) => blob(from + i)))).toEqual({ 404: 250 })
  }
  const more = [`blobs/${nothing(2000)}`, 'manifests/v1', `manifests/${nothing(2001)}`, 'tags/list'] as const
  expect(await statusesOf(more.map((name) => `${proxy.url}/v2/team/x/${name}`))).toEqual({ 429: 4 })
  expect(it.reads()).toBe(2000)
  expect([refusals(metrics.proxy), refusals(metrics.index)]).toEqual([4, 0])
  const other = registryClient(proxy.url, { from: '127.0.0.2' })
  expect((await other.send('HEAD', new URL(blob(3000)).pathname)).status).toBe(404)
  const asked = `${index.url}/repositories/team%2Fx/blobs/`
  expect(await statusesOf([asked + nothing(4000)])).toEqual({ 404: 1 })
})

test('a client of an agent that asks on is refused there, so that the agent may ask for its other clients', async () => {
  // No time passes, so nothing is earned again.
  const clock = fakeClock()
  await using it = await startPair({ clock })
  await using folder = await tempFolder()
  const [{ index, metrics }] = it.sides
  const own = recordingMetrics()
  const member = (url: string) => ({ members: [{ id: 'm', url }] })
  const listeners = { peer: ANY_PORT, ops: ANY_PORT, admin: ANY_PORT }
  const agent = agentService(
    { clock, logger: silentLogger(), metrics: own },
    parseConfig(agentSchema, {
      ...{ ...listeners, registry: { listener: ANY_PORT, default: 'own' }, folder: folder.path, orders: false },
      ...{ origins: member(index.url), trackers: member(index.url), buildIndexes: member(index.url), drain: '0ms' },
    }),
  )
  await agent.start()
  await using running = { url: agent.url, [Symbol.asyncDispose]: () => agent.stop() }
  const tag = (i: number) => `${running.url}/v2/team/x/manifests/v${i}`
  const more = [tag(500), `${running.url}/v2/team/x/tags/list`, `${running.url}/namespace/team%2Fx/blobs/${nothing(1)}`]
  for (let from = 0; from < 500; from += 250) {
    expect(await statusesOf(Array.from({ length: 250 }, (_, i) => tag(from + i)))).toEqual({ 404: 250 })
  }
  expect(await statusesOf(more)).toEqual({ 503: 3 })
  expect([refusals(own), refusals(metrics.index)]).toEqual([3, 0])
  const other = registryClient(running.url, { from: '127.0.0.2' })
  expect((await other.send('HEAD', new URL(tag(501)).pathname)).status).toBe(404)
})

test('a push of 300 layers that asks for each of them first is not refused', async () => {
  await using it = await startPair({ clock: fakeClock() })
  const [{ proxy, metrics }] = it.sides
  const client = registryClient(proxy.url)
  const layers = Array.from({ length: 300 }, (_, i) => Buffer.from(`layer ${i}`))
  for (const name of ['team/x', 'team/y']) {
    const push = async (bytes: Buffer) => {
      const digest = digestOf(bytes)
      expect((await client.send('HEAD', `/v2/${name}/blobs/${digest}`)).status).toBe(404)
      expect((await client.pushBlob(name, digest, bytes)).status).toBe(201)
      expect((await client.send('HEAD', `/v2/${name}/blobs/${digest}`)).status).toBe(200)
    }
    const waiting = [...layers]
    const pushSome = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await push(next)
    }
    await Promise.all(Array.from({ length: 5 }, pushSome))
  }
  expect([refusals(metrics.proxy), refusals(metrics.index)]).toEqual([0, 0])
})

test('what was asked for in vain is there as soon as it is pushed, through whichever proxy and build-index', async () => {
  await using it = await startPair()
  const [first, second] = it.sides
  const config = Buffer.from('{}')
  const type = 'application/vnd.oci.image.manifest.v1+json'
  const descriptor = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: 2 }
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, config: descriptor, layers: [] }))
  const paths = [`blobs/${digestOf(config)}`, `manifests/${digestOf(manifest)}`, 'manifests/v1', 'tags/list']
  const everywhere = [first, second].flatMap(({ proxy }) => paths.map((path) => `${proxy.url}/v2/team/x/${path}`))
  expect(await statusesOf(everywhere)).toEqual({ 404: 8 })
  const client = registryClient(first.proxy.url)
  expect((await client.pushBlob('team/x', digestOf(config), config)).status).toBe(201)
  const headers = { 'content-type': type }
  expect((await client.send('PUT', '/v2/team/x/manifests/v1', { body: manifest, headers })).status).toBe(201)
  expect(await statusesOf(everywhere)).toEqual({ 200: 8 })
})
