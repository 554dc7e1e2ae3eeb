import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { deferred, seededRandom } from '../../../lib/base/index.ts'
import { faultProxy } from '../../kit/fault-proxy.ts'
import {
  answer,
  corrupt,
  endAfter,
  errorJson,
  errorXml,
  type Faults,
  hold,
  ignoreRange,
  loseAnswer,
  pauseAfter,
  reset,
  resetAfter,
  resetUploadAfter,
  shorten,
  tooManyRequests,
  withFaults,
} from '../../kit/http-faults.ts'
import { resourceStack } from '../../kit/resource-stack.ts'

const content = Buffer.from(seededRandom(7).bytes(300_000))
let stored: Buffer[]
let stack = resourceStack()

/** Serves `content`, whole or one range of it, and stores the bodies of PUTs. */
const serve: RequestListener = (req, res) => {
  if (req.method === 'PUT') {
    buffer(req).then(
      (body) => {
        stored.push(body)
        res.writeHead(201, { etag: '"1"' }).end()
      },
      () => res.destroy(),
    )
    return
  }
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? '') ?? []
  if (start === undefined) return void res.setHeader('content-length', content.length).end(content)
  const part = content.subarray(Number(start), Number(end) + 1)
  res.writeHead(206, { 'content-length': part.length })
  for (let at = 0; at < part.length; at += 10_000) res.write(part.subarray(at, at + 10_000))
  res.end()
}

async function listening(handler: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

interface Sent {
  readonly method?: string
  readonly body?: Uint8Array
  readonly headers?: Record<string, string>
}

async function send(url: string, { method = 'GET', body, headers = {} }: Sent = {}): Promise<IncomingMessage> {
  const req = request(url, { method, headers, agent: false })
  req.end(body)
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  return res
}

async function get(url: string, sent: Sent = {}) {
  const res = await send(url, sent)
  return { status: res.statusCode, headers: res.headers, body: await buffer(res) }
}

const servers = {
  'our own handler': async () => {
    const { handler, faults } = withFaults(serve)
    return { ...stack.own(await listening(handler)), faults }
  },
  'a server behind the proxy': async () => {
    const { url } = stack.own(await listening(serve))
    return stack.own(await faultProxy({ target: url }))
  },
}

describe.each(Object.entries(servers))('faults before %s', (_name, open) => {
  let url: string
  let faults: Faults

  beforeEach(async () => {
    stored = []
    stack = resourceStack()
    ;({ url, faults } = await open())
  })
  afterEach(async () => {
    await stack[Symbol.asyncDispose]()
  })

  test('without an order nothing is changed, and everything is counted', async () => {
    const ranged = await get(`${url}/a?b`, { headers: { range: 'bytes=5-50004' } })
    expect([ranged.status, ranged.body.equals(content.subarray(5, 50_005))]).toEqual([206, true])
    const put = await get(`${url}/c`, { method: 'PUT', body: content })
    expect([put.status, put.headers.etag, stored[0]?.equals(content)]).toEqual([201, '"1"', true])
    expect(faults.requests).toMatchObject([
      { method: 'GET', url: '/a?b', range: 'bytes=5-50004', fault: undefined, sentBytes: 50_000 },
      { method: 'PUT', url: '/c', fault: undefined, receivedBytes: 300_000 },
    ])
  })

  test('an order is for the requests that it matches, in order and as often as it says', async () => {
    faults.next({ method: 'GET', path: /^\/b/, times: 2 }, errorXml(503, 'SlowDown'))
    faults.next({ where: (req) => req.url === '/b' }, tooManyRequests(2))
    faults.next({ path: /never/ }, reset())
    const all = await Promise.all([get(`${url}/a`), get(url, { method: 'PUT' })])
    expect(all.map(({ status }) => status)).toEqual([200, 201])
    const slow = await get(`${url}/b`)
    expect([slow.status, slow.body.toString()]).toEqual([503, expect.stringContaining('<Code>SlowDown</Code>')])
    expect((await get(`${url}/b`)).status).toBe(503)
    expect((await get(`${url}/b`)).headers).toMatchObject({ 'retry-after': '2' })
    expect((await get(`${url}/b`)).status).toBe(200)
    expect(faults.count('answer')).toBe(3)
  })

  test('an answer carries the status, headers and body that were ordered', async () => {
    faults.next({}, errorJson(403, { Code: 'AccessDenied' }, { 'x-id': '1' }))
    faults.next({}, answer(418, {}, 'tea'))
    expect(await get(url)).toMatchObject({
      status: 403,
      headers: { 'x-id': '1' },
      body: Buffer.from('{"Code":"AccessDenied"}'),
    })
    expect(await get(url, { method: 'PUT', body: content })).toMatchObject({ status: 418, body: Buffer.from('tea') })
    expect(stored).toEqual([])
  })

  test('an order that is cancelled, or cleared with all others, does no harm', async () => {
    const one = faults.next({ times: Number.POSITIVE_INFINITY }, answer(500))
    expect((await get(url)).status).toBe(500)
    one.cancel()
    expect((await get(url)).status).toBe(200)
    faults.next({}, answer(500))
    faults.clear()
    expect((await get(url)).status).toBe(200)
    expect(one.met).toBe(1)
  })

  test('a request is held until it is let go, and may then meet another fault', async () => {
    const gate = deferred()
    const held = faults.next({ times: 2 }, hold(gate.promise))
    faults.next({}, hold(gate.promise, answer(500)))
    const statuses = Promise.all([get(url), get(url), get(url)])
    await held.reached
    gate.resolve()
    expect((await statuses).map(({ status }) => status).sort()).toEqual([200, 200, 500])
  })

  test('a reset comes before the answer, and the handler never sees the request', async () => {
    faults.next({}, reset())
    await expect(get(url, { method: 'PUT' })).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(stored).toEqual([])
  })

  test('a lost answer is one to a request that was carried out', async () => {
    faults.next({}, loseAnswer())
    await expect(get(url, { method: 'PUT', body: content })).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(stored[0]?.equals(content)).toBe(true)
  })

  test('an upload is reset after so many bytes', async () => {
    faults.next({}, resetUploadAfter(100_000))
    await expect(get(url, { method: 'PUT', body: content })).rejects.toMatchObject({
      code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/),
    })
    expect(stored).toEqual([])
  })

  test.each([{}, { range: 'bytes=0-299999' }])('a body is reset after so many bytes (%j)', async (headers) => {
    faults.next({}, resetAfter(100_000))
    const res = await send(url, { headers })
    expect(res.headers['content-length']).toBe('300000')
    await expect(buffer(res)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(faults.requests[0]?.sentBytes).toBe(100_000)
  })

  test.each([{}, { range: 'bytes=0-299999' }])('a body ends before its length (%j)', async (headers) => {
    faults.next({}, endAfter(123_456))
    const res = await send(url, { headers })
    expect(res.headers['content-length']).toBe('300000')
    const seen: Buffer[] = []
    res.on('data', (chunk: Buffer) => seen.push(chunk))
    await new Promise((resolve) => res.on('error', resolve))
    expect(Buffer.concat(seen).equals(content.subarray(0, 123_456))).toBe(true)
  })

  test.each([{}, { range: 'bytes=0-299999' }])('a shortened body looks whole (%j)', async (headers) => {
    faults.next({}, shorten(123_456))
    const got = await get(url, { headers })
    expect(got.body.equals(content.subarray(0, 123_456))).toBe(true)
    expect(got.headers['content-length']).toBeUndefined()
  })

  test('a body pauses after so many bytes until it is let go', async () => {
    const gate = deferred()
    faults.next({}, pauseAfter(100_000, gate.promise))
    const res = await send(url)
    let seen = 0
    await new Promise<void>((resolve) => {
      res.on('data', (chunk: Buffer) => {
        seen += chunk.length
        if (seen === 100_000) resolve()
      })
    })
    expect(faults.requests[0]?.sentBytes).toBe(100_000)
    gate.resolve()
    await once(res, 'end')
    expect(seen).toBe(300_000)
  })

  test('one byte of a body is wrong', async () => {
    faults.next({ times: 2 }, corrupt(200_001))
    for (const headers of [{}, { range: 'bytes=0-299999' }]) {
      const { body } = await get(url, { headers })
      const wrong = [...body.keys()].filter((at) => body[at] !== content[at])
      expect([body.length, wrong]).toEqual([300_000, [200_001]])
    }
  })

  test('a range is ignored', async () => {
    faults.next({}, ignoreRange())
    const { status, body } = await get(url, { headers: { range: 'bytes=0-9' } })
    expect([status, body.length]).toEqual([200, 300_000])
  })
})
