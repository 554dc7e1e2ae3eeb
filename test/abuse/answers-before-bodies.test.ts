import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { serviceFacts, serviceKinds } from '../../lib/service/index.ts'
import { routesWithBody } from '../kit/documented-routes.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/** Answers that go out while the body of the request still comes, and what becomes of the connection. */

const KIB = 1024
const MIB = 1024 * KIB

let herd: Topology
/** What bodies are made of: as many bytes as the longest has. */
let filler = Buffer.alloc(0)

beforeAll(async () => {
  filler = Buffer.alloc(48 * MIB, '{')
  herd = await startTopology({ agents: 1, origins: 1, trackers: 1, managers: 1, optional: true, processes: [] })
})
// Some of the rows make the origin or the agent leave.
afterEach(async () => {
  for (const service of ['origin-1', 'agent-1'] as const)
    await fetch(`${herd.url(service, 'admin')}/drain`, { method: 'DELETE' })
})
afterAll(async () => {
  filler = Buffer.alloc(0)
  await herd[Symbol.asyncDispose]()
})

interface Asked {
  readonly method: string
  readonly path: string
  readonly length: number | 'chunked'
}

/**
 * Sends a request with a body, and another one behind it on the same connection. Resolves with the status of each
 * answer when the second is there or the connection has ended.
 */
async function askTwice(url: string, { method, path, length }: Asked) {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  await once(socket, 'connect')
  let received = ''
  const ended = new Promise<void>((resolve) => {
    const look = (chunk: Uint8Array) => {
      received += Buffer.from(chunk).toString('latin1')
      if (received.includes('x-request-id: second')) resolve()
    }
    socket
      .on('data', look)
      .on('error', () => undefined)
      .once('close', () => resolve())
  })
  const size = length === 'chunked' ? 300 * KIB : length
  const framing = length === 'chunked' ? 'transfer-encoding: chunked' : `content-length: ${size}`
  socket.write(`${method} ${path} HTTP/1.1\r\nhost: localhost\r\nx-request-id: first\r\n${framing}\r\n\r\n`)
  if (length === 'chunked') socket.write(`${size.toString(16)}\r\n`)
  socket.write(filler.subarray(0, size))
  if (length === 'chunked') socket.write('\r\n0\r\n\r\n')
  socket.write('GET /nothing-here HTTP/1.1\r\nhost: localhost\r\nx-request-id: second\r\n\r\n')
  await ended
  socket.destroy()
  const answers = [...received.matchAll(/HTTP\/1\.1 ([2-5]\d\d).*?x-request-id: (\w+)/gs)]
  const statuses: Record<string, number> = {}
  for (const [, status, id = ''] of answers) statuses[id] = Number(status)
  return statuses
}

/** Opens an upload at the proxy, and returns its path with the signed state. */
async function openUpload(name: string): Promise<string> {
  const opened = await fetch(`${herd.url('proxy-1', 'registry')}/v2/${name}/blobs/uploads/`, { method: 'POST' })
  const { pathname, search } = new URL(opened.headers.get('location') ?? '', opened.url)
  return pathname + search
}

describe('an upload that was cancelled', () => {
  test.each([64 * KIB, MIB, 3 * MIB, 'chunked'] as const)('of %s: the next request is answered', async (length) => {
    const path = await openUpload('team/cancelled')
    await fetch(new URL(path, herd.url('proxy-1', 'registry')), { method: 'DELETE' })
    const url = herd.url('proxy-1', 'registry')
    expect(await askTwice(url, { method: 'PATCH', path, length })).toEqual({ first: 404, second: 404 })
  })

  test('a client that sends everything before it reads gets its answer, or an end', async () => {
    const path = await openUpload('team/cancelled')
    const url = herd.url('proxy-1', 'registry')
    await fetch(new URL(path, url), { method: 'DELETE' })
    expect(await askTwice(url, { method: 'PATCH', path, length: 48 * MIB })).toMatchObject({ first: 404 })
  })
})

test('the table has the services that take bodies', () => {
  // A controller only tells.
  const takers = serviceKinds.filter((kind) => kind !== 'controller')
  expect(new Set(routesWithBody.map(({ kind }) => kind))).toEqual(new Set(takers))
  expect(routesWithBody.length).toBeGreaterThan(25)
})

describe.each(routesWithBody)('$kind $listener: $method $path', ({ kind, listener, method, path }) => {
  const url = () => herd.url(`${serviceFacts(kind).name}-1`, listener)

  test.each([64 * KIB, 3 * MIB, 'chunked'] as const)('the request after a body of %s is answered', async (length) => {
    expect(await askTwice(url(), { method, path, length })).toEqual({ first: expect.any(Number), second: 404 })
  })

  test('a body beyond all limits is answered, and the connection goes on or ends', async () => {
    expect(await askTwice(url(), { method, path, length: 24 * MIB })).toMatchObject({ first: expect.any(Number) })
  })
})
