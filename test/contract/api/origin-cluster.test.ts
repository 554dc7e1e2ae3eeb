import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { originCluster } from '../../../lib/api/index.ts'
import { appError, isAppError } from '../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { randomContent } from '../../kit/metainfo-fixture.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import {
  answerError,
  answerJson,
  disposableHttp,
  type Script,
  type ScriptedServer,
  type SeenRequest,
  scriptedServer,
} from '../../kit/scripted-server.ts'

const repository = parseRepository('ns')

const content = Buffer.from(randomContent(300_000))
const digest = digestOf(content)

/** Origins with one script each, in the ring order of the digest. */
function origins(...scripts: readonly Script[]) {
  return buildResource(async (stack) => {
    const http = stack.own(disposableHttp())
    const order = clusterOf(scripts.map((_, i) => ({ id: `o${i}`, url: '' }))).candidates(digest)
    const servers: ScriptedServer[] = []
    for (const script of scripts) servers.push(stack.own(await scriptedServer(script)))
    const members = order.map(({ id }, place) => ({ id, url: servers[place]?.url ?? '' }))
    const cluster = clusterOf(members)
    const asked = () => servers.map(({ requests }) => requests.length)
    return { cluster, servers, asked, members, api: originCluster({ http, cluster }) }
  })
}

const rangeOf = ({ headers }: SeenRequest) => {
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
  return start === undefined ? { start: 0, end: content.length } : { start: Number(start), end: Number(end) + 1 }
}

const serve: Script = (request, res) => {
  const { start, end } = rangeOf(request)
  const whole = request.headers.range === undefined
  const headers = whole ? {} : { 'content-range': `bytes ${start}-${end - 1}/${content.length}` }
  res.writeHead(whole ? 200 : 206, { ...headers, 'content-length': String(end - start) })
  if (request.method === 'HEAD') res.end()
  else res.end(content.subarray(start, end))
}

/** Sends `count` bytes of the answer, then cuts the connection. */
const cutAfter =
  (count: number): Script =>
  (request, res) => {
    const { start, end } = rangeOf(request)
    const whole = request.headers.range === undefined
    res.writeHead(whole ? 200 : 206, {
      'content-length': String(end - start),
      ...(!whole && { 'content-range': `bytes ${start}-${end - 1}/${content.length}` }),
    })
    res.write(content.subarray(start, start + count), () => res.socket?.destroySoon())
  }

const refuse: Script = (_, res) => void res.destroy()
const unknown: Script = (_, res) => answerError(res, 404, 'BLOB_UNKNOWN')

describe('origin cluster', () => {
  test('reads a blob from the first owner', async () => {
    await using it = await origins(serve, serve)
    const { size, body } = await it.api.readBlob(repository, digest)
    expect(size).toBe(content.length)
    expect((await buffer(body)).equals(content)).toBe(true)
    expect(it.asked()).toEqual([1, 0])
  })

  test('goes to the next origin when the first is dead', async () => {
    await using it = await origins(refuse, serve)
    expect((await buffer((await it.api.readBlob(repository, digest)).body)).equals(content)).toBe(true)
  })

  test('a body that is cut goes on at the next origin from where it stopped', async () => {
    await using it = await origins(cutAfter(100_000), serve)
    expect((await buffer((await it.api.readBlob(repository, digest)).body)).equals(content)).toBe(true)
    const { start, end } = rangeOf(it.servers[1]?.requests[0] as SeenRequest)
    expect(start).toBeGreaterThan(0)
    expect(start).toBeLessThanOrEqual(100_000)
    expect(end).toBe(content.length)
  })

  test('a range that is cut goes on within the range', async () => {
    await using it = await origins(cutAfter(10), serve)
    const { body, size } = await it.api.readBlob(repository, digest, { range: { start: 1_000, end: 50_000 } })
    expect(size).toBe(content.length)
    expect((await buffer(body)).equals(content.subarray(1_000, 50_000))).toBe(true)
  })

  test('an origin whose peers have failed is asked again as long as bytes come', async () => {
    await using it = await origins(cutAfter(80_000), cutAfter(80_000), cutAfter(80_000))
    expect((await buffer((await it.api.readBlob(repository, digest)).body)).equals(content)).toBe(true)
  })

  test('a single origin may go on with its own cut answer', async () => {
    await using it = await origins(cutAfter(100_000))
    expect((await buffer((await it.api.readBlob(repository, digest)).body)).equals(content)).toBe(true)
    expect(it.asked()[0]).toBeLessThanOrEqual(5)
  })

  test('when every origin stops without a byte the reader gets an error, not an end', async () => {
    await using it = await origins(cutAfter(100), cutAfter(0), cutAfter(0))
    const failure = await buffer((await it.api.readBlob(repository, digest)).body).catch((err: unknown) => err)
    expect(isAppError(failure) && failure.code).toBe('NO_HEALTHY_MEMBER')
  })

  test('one origin that does not know the blob is not believed, two are', async () => {
    await using one = await origins(unknown, serve, serve)
    expect(await one.api.statBlob(repository, digest)).toEqual({ size: content.length })
    await using two = await origins(unknown, unknown, serve)
    expect(await two.api.statBlob(repository, digest)).toBeUndefined()
    expect(two.asked()).toEqual([1, 1, 0])
    await expect(two.api.readBlob(repository, digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    await expect(two.api.openMetainfo(repository, digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
  })

  test('the only origin that answers is believed', async () => {
    await using it = await origins(refuse, unknown)
    expect(await it.api.statBlob(repository, digest)).toBeUndefined()
  })

  test('no answer from any origin is an outage, never an unknown blob', async () => {
    await using it = await origins(refuse, refuse)
    await expect(it.api.statBlob(repository, digest)).rejects.toMatchObject({ code: 'NO_HEALTHY_MEMBER' })
    await expect(it.api.readBlob(repository, digest)).rejects.toMatchObject({ code: 'NO_HEALTHY_MEMBER' })
  })

  test('opens metainfo at an origin that answers', async () => {
    await using it = await origins(refuse, serve)
    expect((await buffer(await it.api.openMetainfo(repository, digest))).equals(content)).toBe(true)
  })

  test('opens metainfo elsewhere than at the member whose stream broke', async () => {
    await using it = await origins(serve, serve)
    const first = await it.api.openMetainfoElsewhere(repository, digest, { after: [] })
    first.body.destroy()
    const after = [{ member: first.member, err: appError('STALLED') }]
    const second = await it.api.openMetainfoElsewhere(repository, digest, { after })
    expect((await buffer(second.body)).equals(content)).toBe(true)
    expect(it.asked()).toEqual([1, 1])
  })

  test('opens an upload somewhere and reaches that member again', async () => {
    const open: Script = (_, res) => answerJson(res, 201, { id: 'u', member: 'o1', size: 0 })
    await using it = await origins(open, open)
    expect(await it.api.createUpload(repository, 'any')).toEqual({ id: 'u', member: 'o1', size: 0 })
    expect(it.api.at('o1')).toBeDefined()
    expect(it.api.at('stranger')).toBeUndefined()
  })

  test('a reader that leaves closes the connection', async () => {
    let closed: Promise<void> | undefined
    await using it = await origins((_, res) => {
      closed = new Promise((resolve) => res.on('close', resolve))
      res.writeHead(200, { 'content-length': String(content.length) }).write(content.subarray(0, 10))
    })
    const { body } = await it.api.readBlob(repository, digest)
    body.destroy()
    await closed
  })
})
