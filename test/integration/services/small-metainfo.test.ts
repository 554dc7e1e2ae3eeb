import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import { originCluster, trackerCluster } from '../../../lib/api/index.ts'
import { type Deferred, deferred } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { encodeRecord } from '../../../lib/metainfo/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { clusterMetainfo } from '../../../services/agent/swarm-sources.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { eventually } from '../../kit/eventually.ts'
import { blobFixture } from '../../kit/metainfo-fixture.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { disposableHttp, type Script, scriptedServer } from '../../kit/scripted-server.ts'

const { header } = blobFixture(1_000)
const blob = { repository: parseRepository('a'), digest: header.digest }

/** An agent's source of metainfo with one tracker, which answers by the script. */
function sourceOf(script: Script) {
  return buildResource(async (stack) => {
    const { url } = stack.own(await scriptedServer(script))
    const http = stack.own(disposableHttp())
    const cluster = clusterOf([{ id: 't', url }])
    const trackers = trackerCluster({ http, cluster, logger: silentLogger() })
    return clusterMetainfo(trackers, originCluster({ http, cluster }), { key: 'key' })
  })
}

const abortable = () => {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}

test('a small blob leaves the connection open for the next one, although its pull ends with the header', async () => {
  const ports: unknown[] = []
  let ended: Deferred<void> = deferred()
  await using source = await sourceOf(async (_, res) => {
    ports.push(res.socket?.remotePort)
    res.write(encodeRecord({ kind: 'header', header }))
    await ended.promise
    res.end(encodeRecord({ kind: 'verified' }))
  })
  const pull = async () => {
    const { signal, abort } = abortable()
    ended = deferred()
    for await (const record of source.open(blob, { signal })) {
      expect(record.kind).toBe('header')
      abort()
      break
    }
    ended.resolve()
  }
  await pull()
  // The client learns of the end of an answer a moment after the server has sent it.
  await eventually(async () => {
    await pull()
    expect(ports.at(-1)).toBe(ports.at(-2))
  })
})

test('a tracker that goes on behind a small blob is cut off', async () => {
  const left = deferred()
  await using source = await sourceOf(async (_, res) => {
    res.write(encodeRecord({ kind: 'header', header }))
    const more = setInterval(() => res.write(encodeRecord({ kind: 'heartbeat' })), 1)
    await once(res, 'close')
    clearInterval(more)
    left.resolve()
  })
  for await (const { kind } of source.open(blob)) {
    expect(kind).toBe('header')
    break
  }
  await left.promise
})

test('a pull that ends before anything came closes its request', async () => {
  const [asked, left] = [deferred(), deferred()]
  await using source = await sourceOf(async (_, res) => {
    asked.resolve()
    await once(res, 'close')
    left.resolve()
  })
  const pull = new AbortController()
  const first = source.open(blob, { signal: pull.signal })[Symbol.asyncIterator]().next()
  await asked.promise
  pull.abort()
  await expect(first).rejects.toMatchObject({ code: 'ABORTED' })
  await left.promise
})
