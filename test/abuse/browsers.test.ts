import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type HerdPlan, type Ports, planHerd, portCount } from '../../services/herd/index.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/** A web page has the browser of somebody on the machine, or in the network, send what it likes. */

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

const size = { agents: 1, origins: 1, trackers: 1, optional: true }

/** Every listener of every service that speaks HTTP, from the herd's own table: a new one joins by itself. */
const listenersOf = (plan: HerdPlan) =>
  Object.entries(plan).flatMap(([kind, [instance]]) =>
    Object.keys(instance?.ports ?? {})
      .filter((listener) => listener !== 'peer')
      .map((listener) => ({ kind, id: instance?.id ?? '', listener })),
  )
const firstPorts: Ports = { take: (_, first) => first }
const plan = planHerd(size, firstPorts, '/nowhere')
const listeners = listenersOf(plan)
const registries = listeners.filter(({ listener }) => listener === 'registry')
const others = listeners.filter(({ listener }) => listener !== 'registry')

let herd: Topology

beforeAll(async () => {
  herd = await startTopology({ ...size, processes: [], overrides: ['proxy.hosts=["registry.example.com"]'] })
})
afterAll(async () => herd[Symbol.asyncDispose]())

function ask(id: string, listener: string, options: RequestOptions = {}, body?: string): Promise<Answer> {
  const { hostname, port } = new URL(herd.url(id, listener))
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path: '/', agent: false, timeout: 10_000, ...options }, (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text })).on('error', reject)
    })
    sent.on('error', reject).end(body)
  })
}

test('the table has every service and each of its listeners', () => {
  expect(new Set(listeners.map(({ kind }) => kind)).size).toBe(5)
  // Not the peer ports of an agent and an origin, nor what the second build-index has like the first.
  const second = Object.keys(plan.buildIndex[1]?.ports ?? {}).length
  expect(listeners).toHaveLength(portCount(size) - 2 - second)
})

describe.each(listeners)('$kind $listener', ({ id, listener }) => {
  test.each([{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }])(
    'refuses the page of another site: %j',
    async (headers) => {
      for (const method of ['GET', 'POST']) {
        const { status, text } = await ask(id, listener, { method, headers })
        expect({ status, text }).toEqual({ status: 403, text: expect.stringContaining('CROSS_SITE') })
      }
    },
  )

  test('answers with what no browser runs, errors too', async () => {
    const { headers } = await ask(id, listener)
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringMatching(/default-src 'none'.*sandbox/),
      'x-content-type-options': 'nosniff',
    })
  })

  test('answers its own name', async () => {
    const { text } = await ask(id, listener)
    expect(text).not.toContain('HOST_UNKNOWN')
  })
})

describe.each(others)('$kind $listener', ({ id, listener }) => {
  test.each([{ headers: { host: 'rebound.evil.example' } }, { path: 'http://rebound.evil.example/' }])(
    'does not answer to the name of another site: %j',
    async (options) => {
      const { status, text } = await ask(id, listener, options)
      expect({ status, text }).toEqual({ status: 421, text: expect.stringMatching(/HOST_UNKNOWN.*hosts/) })
    },
  )
})

describe('a registry', () => {
  const host = 'mirror.example'
  test.each(registries)('of the $kind answers to other names only until hosts is set', async ({ kind, id }) => {
    const { status } = await ask(id, 'registry', { path: '/v2/', headers: { host } })
    expect(status).toBe(kind === 'proxy' ? 421 : 200)
  })

  test('answers to the names in hosts', async () => {
    const { status } = await ask('proxy-1', 'registry', {
      path: '/v2/',
      headers: { host: 'registry.example.com:5000' },
    })
    expect(status).toBe(200)
  })

  test('takes no manifest that a browser would show as a page', async () => {
    const put = (type: string) =>
      ask(
        'proxy-1',
        'registry',
        { method: 'PUT', path: '/v2/team/page/manifests/x', headers: { 'content-type': type } },
        '{}',
      )
    for (const type of ['text/html', 'image/svg+xml', 'text/html; charset=utf-8', 'Text/HTML']) {
      expect(await put(type)).toMatchObject({ status: 400, text: expect.stringContaining('MANIFEST_INVALID') })
    }
    expect((await put('application/vnd.example.config.v1+json')).status).toBe(201)
  })
})

test('a form of another site drains no origin', async () => {
  const headers = { origin: 'https://evil.example', 'content-type': 'text/plain' }
  expect((await ask('origin-1', 'admin', { method: 'POST', path: '/drain', headers })).status).toBe(403)
  expect((await ask('origin-1', 'ops', { path: '/readyz' })).status).toBe(200)
})

test.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])(
  'JSON that is called %s is not parsed',
  async (type) => {
    const headers = type === undefined ? {} : { 'content-type': type }
    const { status, text } = await ask('tracker-1', 'http', { method: 'POST', path: '/announce', headers }, '{}')
    expect({ status, text }).toEqual({ status: 415, text: expect.stringContaining('CONTENT_TYPE_UNSUPPORTED') })
  },
)
