import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { originClient } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import { answerError, answerJson, disposableHttp, type Script, scriptedServer } from '../../kit/scripted-server.ts'

const content = Buffer.from('the bytes of a blob')
const digest = digestOf(content)
const repository = parseRepository('library/nginx')
const blobPath = `/namespace/library%2Fnginx/blobs/${digest}`

async function origin(script: Script) {
  const server = await scriptedServer(script)
  const http = disposableHttp()
  const close = async () => {
    await http.stop()
    await server.kill()
  }
  return { server, client: originClient(http, server.url), [Symbol.asyncDispose]: close }
}

describe('origin client', () => {
  test('asks for the size with HEAD, the repository being one segment', async () => {
    await using it = await origin((_, res) => void res.writeHead(200, { 'content-length': '19' }).end())
    expect(await it.client.statBlob(repository, digest)).toEqual({ size: 19 })
    expect(it.server.requests[0]).toMatchObject({ method: 'HEAD', url: blobPath })
    expect(it.server.requests[0]?.headers).not.toHaveProperty('x-shoal-hop')
  })

  test('a blob that is not there has no size', async () => {
    await using it = await origin((_, res) => void res.writeHead(404).end())
    expect(await it.client.statBlob(repository, digest)).toBeUndefined()
  })

  test('an outage is not an answer about the blob', async () => {
    await using it = await origin((_, res) => void res.writeHead(503).end())
    await expect(it.client.statBlob(repository, digest)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test('reads the whole, marking the hop', async () => {
    await using it = await origin((_, res) => void res.end(content))
    const { size, body } = await it.client.readBlob(repository, digest, { hop: true })
    expect(size).toBe(content.length)
    expect(await buffer(body)).toEqual(content)
    expect(it.server.requests[0]).toMatchObject({ method: 'GET', url: blobPath, headers: { 'x-shoal-hop': '1' } })
  })

  test('says how urgent a range is, and that it stands alone, only when it is told so', async () => {
    await using it = await origin((_, res) => void res.writeHead(206, { 'content-range': 'bytes 4-8/19' }).end('bytes'))
    const range = { start: 4, end: 9 }
    const read = async (options: Parameters<typeof it.client.readBlob>[2]) =>
      buffer((await it.client.readBlob(repository, digest, options)).body)
    await read({ range: { ...range, standsAlone: true }, priority: 'prefetch' })
    await read({ range })
    const [marked, plain] = it.server.requests
    expect(marked?.headers).toMatchObject({ 'x-shoal-stands-alone': '1', 'x-shoal-priority': 'prefetch' })
    expect(plain?.headers).toMatchObject({ range: 'bytes=4-8' })
    expect(Object.keys(plain?.headers ?? {}).filter((name) => /alone|priority/.test(name))).toEqual([])
  })

  test('says what it wants first', async () => {
    await using it = await origin((_, res) => void res.writeHead(204).end())
    await it.client.demand(repository, digest, { ranges: [{ start: 4, end: 9 }], priority: 'onDemand' })
    expect(it.server.requests[0]).toMatchObject({ method: 'POST', url: `${blobPath}/demand` })
  })

  test('waits long for slow pieces of another origin, and for no other server', async () => {
    const limits: (number | undefined)[] = []
    const http: HttpClient = {
      start: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      request({ idleTimeoutMs }) {
        limits.push(idleTimeoutMs)
        return Promise.reject(appError('PEER_CLOSED'))
      },
    }
    const client = originClient(http, 'http://127.0.0.1:1')
    for (const hop of [true, false]) {
      await expect(client.readBlob(repository, digest, { hop })).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    }
    expect(limits).toEqual([60_000, undefined])
  })

  test('tells what an origin has of a blob, and who asks', async () => {
    const holding = { size: 19, ranges: [[0, 4]], verified: false, keeps: false, claim: 'reading' } as const
    await using it = await origin((_, res) => answerJson(res, 200, holding))
    expect(await it.client.holding(repository, digest, { asker: 'origin-2' })).toEqual(holding)
    expect(it.server.requests[0]?.url).toBe(`${blobPath}/holding?asker=origin-2`)
  })

  test.each([
    ['a range without an end', { ranges: [[0]] }],
    ['a claim that nobody knows', { claim: 'maybe' }],
    ['a negative size', { size: -1 }],
  ])('does not believe %s', async (_what, wrong) => {
    const holding = { size: 19, ranges: [[0, 4]], verified: false, keeps: false, claim: 'none', ...wrong }
    await using it = await origin((_, res) => answerJson(res, 200, holding))
    await expect(it.client.holding(repository, digest)).rejects.toMatchObject({ code: 'UNKNOWN' })
  })

  test('reads a range of what is there', async () => {
    await using it = await origin((_, res) => {
      res.writeHead(206, { 'content-range': 'bytes 4-8/19' }).end(content.subarray(4, 9))
    })
    const { size, body } = await it.client.readHeld(repository, digest, { range: { start: 4, end: 9 } })
    expect(size).toBe(19)
    expect(await buffer(body)).toEqual(content.subarray(4, 9))
    expect(it.server.requests[0]).toMatchObject({ url: `${blobPath}/held`, headers: { range: 'bytes=4-8' } })
  })

  test('reads a range and still knows the whole size', async () => {
    await using it = await origin((_, res) => {
      res.writeHead(206, { 'content-range': 'bytes 4-8/19' }).end(content.subarray(4, 9))
    })
    const { size, body } = await it.client.readBlob(repository, digest, { range: { start: 4, end: 9 } })
    expect(size).toBe(19)
    expect(await buffer(body)).toEqual(content.subarray(4, 9))
    expect(it.server.requests[0]?.headers.range).toBe('bytes=4-8')
  })

  test('a range that is answered by the whole is an error, not wrong bytes', async () => {
    await using it = await origin((_, res) => void res.end(content))
    const read = it.client.readBlob(repository, digest, { range: { start: 4, end: 9 } })
    await expect(read).rejects.toMatchObject({ code: 'UNKNOWN' })
  })

  test('throws the error that the origin names', async () => {
    await using it = await origin((_, res) => answerError(res, 409, 'NOT_OWNER'))
    await expect(it.client.readBlob(repository, digest)).rejects.toMatchObject({ code: 'NOT_OWNER' })
    await expect(it.client.openMetainfo(repository, digest)).rejects.toMatchObject({ code: 'NOT_OWNER' })
  })

  test('hands over a copy as another origin', async () => {
    await using it = await origin((_, res) => {
      res.writeHead(201).end()
    })
    const body = Readable.from([content.subarray(0, 5), content.subarray(5)])
    await it.client.putBlob(repository, digest, { body, size: content.length, hop: true })
    const [request] = it.server.requests
    expect(request).toMatchObject({ method: 'PUT', url: blobPath })
    expect(request?.headers).toMatchObject({ 'content-length': '19', 'x-shoal-hop': '1' })
    expect(request?.body).toEqual(content)
  })

  test('gives the bytes of the metainfo stream as they are', async () => {
    await using it = await origin((_, res) => void res.end(content))
    expect(await buffer(await it.client.openMetainfo(repository, digest))).toEqual(content)
    expect(it.server.requests[0]).toMatchObject({ method: 'GET', url: `${blobPath}/metainfo` })
  })

  test('takes an upload from its opening to its end', async () => {
    const state = { id: 'a/b', member: 'm1', size: 19 }
    await using it = await origin((request, res) => {
      if (request.method === 'POST') answerJson(res, 201, { ...state, size: 0 })
      else if (request.method === 'PUT') answerJson(res, 201, { digest, size: 19 })
      else if (request.method === 'DELETE') res.writeHead(204).end()
      else answerJson(res, 200, state)
    })
    expect(await it.client.createUpload(repository)).toEqual({ ...state, size: 0 })
    expect(await it.client.uploadStatus(repository, 'a/b')).toEqual(state)
    expect(await it.client.appendUpload(repository, 'a/b', { offset: 7, body: Readable.from([content]) })).toEqual(
      state,
    )
    expect(await it.client.commitUpload(repository, 'a/b', { digest })).toEqual({ digest, size: 19 })
    await it.client.cancelUpload(repository, 'a/b')
    const upload = '/namespace/library%2Fnginx/uploads/a%2Fb'
    expect(it.server.requests.map(({ method, url }) => [method, url])).toEqual([
      ['POST', '/namespace/library%2Fnginx/uploads'],
      ['GET', upload],
      ['PATCH', upload],
      ['PUT', `${upload}?digest=${encodeURIComponent(digest)}`],
      ['DELETE', upload],
    ])
    expect(it.server.requests[2]).toMatchObject({ headers: { 'x-shoal-offset': '7' }, body: content })
  })

  test('a malformed answer is an error that says what is wrong', async () => {
    await using it = await origin((_, res) => answerJson(res, 201, { id: 'a', member: 'm', size: -1 }))
    await expect(it.client.createUpload(repository)).rejects.toMatchObject({
      code: 'UNKNOWN',
      message: expect.stringContaining('size'),
    })
  })
})
