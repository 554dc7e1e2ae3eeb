import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { originCluster } from '../../lib/api/index.ts'
import { memoryBackend } from '../../lib/backend/index.ts'
import { fakeClock, systemClock } from '../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../lib/core/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { blobKey } from '../../services/origin/blob-keys.ts'
import { originSchema, originService } from '../../services/origin/index.ts'
import { trackerService } from '../../services/tracker/index.ts'
import { cipherBytes } from '../kit/cipher-bytes.ts'
import { clusterOf } from '../kit/cluster.ts'
import { buildResource } from '../kit/resource-stack.ts'
import { answerError, disposableHttp, scriptedServer } from '../kit/scripted-server.ts'
import { standingClock } from '../kit/shifted-clock.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { trackerConfig } from '../kit/tracker-config.ts'

/** Somebody asks for digests that are nowhere. */

const ORIGINS = ['origin-1', 'origin-2', 'origin-3']
const nothing = (i: number) => digestOf(Buffer.from(`nothing ${i}`))
const path = (i: number) => `/namespace/team%2Fx/blobs/${nothing(i)}`

const sum = async (shoal: Topology, ids: readonly string[], name: string, label?: string) => {
  const each = await Promise.all(ids.map((id) => shoal.counter(id, name, label)))
  return each.reduce((total, one) => total + one, 0)
}

async function statusesOf(urls: readonly string[]): Promise<Readonly<Record<number, number>>> {
  const counts: Record<number, number> = {}
  for (const status of await Promise.all(
    urls.map(async (url) => {
      const answer = await fetch(url)
      await answer.arrayBuffer()
      return answer.status
    }),
  )) {
    counts[status] = (counts[status] ?? 0) + 1
  }
  return counts
}

test('500 at once cost a look each, and make nobody sick', async () => {
  // An origin remembers for a second what is nowhere; who asks a second one for it comes later on a slow machine.
  const originParts = () => ({ clock: standingClock() })
  await using shoal = await startTopology({ agents: 1, origins: 3, trackers: 1, processes: [], originParts })
  const tracker = shoal.url('tracker-1')
  const ask = (count: number) => statusesOf(Array.from({ length: count }, (_, i) => `${tracker}${path(i)}/metainfo`))
  const looks = (id: string) => sum(shoal, [id], 'shoal_backend_requests_total', 'op="stat"')

  const before = await Promise.all(ORIGINS.map(looks))
  expect(await ask(500)).toEqual({ 404: 500 })
  for (const [i, id] of ORIGINS.entries()) {
    // Where an origin is slow the next one is asked as well, but none of them looks twice.
    expect((await looks(id)) - (before[i] ?? 0)).toBeLessThanOrEqual(500)
    expect(await shoal.counter('tracker-1', 'shoal_cluster_member_healthy', `member="${id}"`)).toBe(1)
  }
})

test('one caller has only so many looked for', async () => {
  await using it = await buildResource(async (stack) => {
    const origin = stack.own(await scriptedServer((_, res) => answerError(res, 404, 'BLOB_UNKNOWN')))
    const members = [{ id: 'origin-1', url: origin.url }]
    const config = await trackerConfig(stack, { origins: { members, replicas: 1 } })
    // No time passes, so nothing is earned again.
    const service = trackerService({ clock: fakeClock(), logger: silentLogger() }, config)
    await service.start()
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    return { origin, url: service.url }
  })
  const urls = Array.from({ length: 600 }, (_, i) => `${it.url}${path(i)}/metainfo`)
  expect(await statusesOf(urls)).toEqual({ 404: 500, 429: 100 })
  expect(it.origin.requests).toHaveLength(500)
})

test('a digest that was asked for in vain is there as soon as it is pushed, at every origin and tracker', async () => {
  await using shoal = await startTopology({ agents: 1, origins: 3, trackers: 1, processes: [] })
  const bytes = cipherBytes('comes later', 200_000)
  const at = `/namespace/team%2Fx/blobs/${digestOf(bytes)}`
  const urls = ORIGINS.map((id) => shoal.url(id) + at)
  expect(await statusesOf(urls)).toEqual({ 404: 3 })
  const proxy = shoal.url('proxy-1', 'registry')
  const opened = await fetch(`${proxy}/v2/team/x/blobs/uploads/?digest=${digestOf(bytes)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: bytes,
  })
  if (opened.status === 202) {
    const location = new URL(opened.headers.get('location') ?? '', proxy)
    location.searchParams.set('digest', digestOf(bytes))
    expect((await fetch(location, { method: 'PUT', body: bytes })).status).toBe(201)
  } else expect(opened.status).toBe(201)
  expect(await statusesOf(urls)).toEqual({ 200: 3 })
})

/** Longer than anybody waits for an origin that says nothing. */
const SLOW_MS = 4_500

test('an origin whose backend is slow is not taken for sick', async () => {
  const inner = memoryBackend()
  const slow = {
    ...inner,
    stat: async (...args: Parameters<typeof inner.stat>) => {
      await sleep(SLOW_MS)
      return inner.stat(...args)
    },
  }
  await using it = await buildResource(async (stack) => {
    const backends = { backendFor: () => slow, start: () => Promise.resolve(), stop: () => Promise.resolve() }
    const bind = { bind: '127.0.0.1:auto' }
    const config = originSchema.parse({
      http: bind,
      ops: bind,
      admin: bind,
      peer: bind,
      folder: stack.own(await tempFolder()).path,
    })
    const service = originService({ backends, logger: silentLogger() }, config)
    await service.start()
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    const http = stack.own(disposableHttp())
    return { service, http }
  })
  const bytes = cipherBytes('slow', 200_000)
  await inner.write(blobKey(digestOf(bytes)), bytes, { size: bytes.length })
  const member = { id: 'origin-1', url: it.service.url }
  const cluster = clusterOf([member], { clock: systemClock() })
  const origins = originCluster({ http: it.http, cluster })
  const open = async () => (await origins.openMetainfo(parseRepository('team/x'), digestOf(bytes))).destroy()
  await Promise.all(Array.from({ length: 5 }, open))
  expect(cluster.isHealthy('origin-1')).toBe(true)
})
