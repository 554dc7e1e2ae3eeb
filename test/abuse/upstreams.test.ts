import type { LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { httpBackend } from '../../lib/backend/http/http-backend.ts'
import type { Backend } from '../../lib/backend/index.ts'
import { fetchToken } from '../../lib/backend/registry/bearer-token.ts'
import { registrySchema } from '../../lib/backend/registry/config.ts'
import { openRegistry, type RegistryRepository } from '../../lib/backend/registry/registry.ts'
import { sendWeb } from '../../lib/backend/web/web-client.ts'
import { fakeClock, systemClock } from '../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../lib/core/index.ts'
import type { HttpClient, HttpRequest } from '../../lib/http/index.ts'
import { admittedFrom, mayLeadTo } from '../../lib/http/inner-address.ts'
import { blobKey } from '../../services/origin/blob-keys.ts'
import { plainGovernor } from '../kit/plain-governor.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { type Script, scriptedServer } from '../kit/scripted-server.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { startTopology } from '../kit/topology.ts'

/** A store that turns on us: it sends us on to what only we can reach. */

function redirecting(location: string) {
  const requests: HttpRequest[] = []
  const http: HttpClient = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    async request(request) {
      requests.push(request)
      const unread = () => Promise.reject(new Error('nobody reads it'))
      const answer = { body: Readable.from([]), bytes: unread, json: unread, discard: () => Promise.resolve() }
      return requests.length === 1
        ? { status: 307, headers: { location }, ...answer }
        : { status: 200, headers: {}, ...answer }
    },
  }
  return { http, requests }
}

const inner = [
  '127.0.0.1',
  '127.9.9.9',
  '2130706433',
  '0x7f.1',
  '0.0.0.0',
  'localhost',
  'LOCALHOST.',
  'a.localhost',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:a9fe:a9fe]',
  '169.254.169.254',
  '[fe80::1]',
  '[fd00:ec2::254]',
  'metadata.google.internal',
  '100.100.100.200',
]

describe('a store elsewhere', () => {
  test.each(inner)('does not send us to %s', async (host) => {
    const { http, requests } = redirecting(`http://${host}:1/admin`)
    const sending = sendWeb(http, { method: 'GET', url: 'http://store.test/a' })
    await expect(sending).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    expect(requests).toHaveLength(1)
  })

  test.each(inner)('does not have us log in at %s', async (host) => {
    const { http, requests } = redirecting('/')
    const challenge = { scheme: 'bearer', params: { realm: `http://${host}:1/token` } } as const
    const request = { challenge, scope: '', login: undefined, registry: new URL('http://registry.test') }
    await expect(fetchToken({ http, clock: fakeClock() }, request)).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
    expect(requests).toHaveLength(0)
  })
})

test.each([
  ['http://127.0.0.1:9000/b', 'http://127.0.0.1:8000', true],
  ['http://localhost:9000/b', 'http://127.0.0.1:8000', true],
  ['http://169.254.1.9/b', 'http://127.0.0.1:8000', false],
  ['http://169.254.1.9/b', 'http://169.254.1.9', true],
  ['http://127.0.0.1/b', 'http://169.254.1.9', false],
  ['http://10.0.0.9/b', 'http://store.test', true],
  ['http://fe80.test/b', 'http://store.test', true],
])('to %s from %s: %p', (to, from, allowed) => {
  expect(mayLeadTo(new URL(to), new URL(from))).toBe(allowed)
})

/** Names that DNS of the attacker has; `store.test` is the store of the config. */
const lookupOf =
  (addresses: Readonly<Record<string, string>>): LookupFunction =>
  (host, { all }, done) => {
    const address = addresses[host] ?? '203.0.113.1'
    if (all === true) done(null, [{ address, family: 4 }])
    else done(null, address, 4)
  }

const digest = digestOf(Buffer.from('what is wanted'))
const team = parseRepository('team/app')

/** What a turned store answers, and what was asked of it: each has us go to `evil.test`. */
const turns: readonly (readonly [string, (evil: string) => Script, (parts: Turned) => Promise<unknown>])[] = [
  ['a redirect of a file', (evil) => redirectTo(evil), ({ web }) => web.stat(blobKey(digest))],
  ['a redirect of a blob', (evil) => redirectTo(evil), ({ registry }) => registry.blobs.size(digest)],
  [
    'a Location of an upload',
    (evil) => (_, res) => void res.writeHead(202, { location: `${evil}/upload` }).end(),
    ({ registry }) => registry.upload(Buffer.from('what is wanted'), { digest, size: 14 }),
  ],
  [
    'a token server',
    (evil) => (_, res) => void res.writeHead(401, { 'www-authenticate': `Bearer realm="${evil}/token"` }).end(),
    ({ registry }) => registry.blobs.size(digest),
  ],
]

interface Turned {
  readonly web: Backend
  readonly registry: RegistryRepository
}

const redirectTo =
  (evil: string): Script =>
  (_, res) =>
    void res.writeHead(307, { location: `${evil}/admin` }).end()

describe('a name that leads to this machine', () => {
  test.each(turns)('is not followed from a store elsewhere: %s', async (_, script, ask) => {
    await using inner = await scriptedServer((_request, res) => void res.writeHead(200, { 'content-length': 3 }).end())
    const evil = inner.url.replace('127.0.0.1', 'evil.test')
    await using store = await scriptedServer(script(evil))
    const url = store.url.replace('127.0.0.1', 'store.test')
    const lookup = lookupOf({ 'store.test': '127.0.0.1', 'evil.test': '127.0.0.1' })
    const parts = { clock: systemClock(), governor: plainGovernor({ attempts: 1 }), lookup }
    const web = httpBackend(parts, { driver: 'http', url: `${url}/{digest}`, headers: {} })
    const registry = openRegistry(parts, registrySchema.parse({ driver: 'registry', url }))
    await using stack = resourceStack()
    for (const part of [web, registry]) stack.own({ [Symbol.asyncDispose]: () => part.stop() })
    await expect(ask({ web: web.backendFor(team), registry: registry.repository(team) })).rejects.toMatchObject({
      code: expect.stringMatching(/^BACKEND_/),
    })
    expect(store.requests.length).toBeGreaterThan(0)
    expect(inner.requests).toEqual([])
  })

  test.each([
    ['store.test', 'evil.test', '10.0.0.9', true],
    ['store.test', 'evil.test', '127.0.0.1', false],
    ['store.test', 'evil.test', '::1', false],
    ['store.test', 'evil.test', '::ffff:127.0.0.1', false],
    ['store.test', 'evil.test', 'fe80::1%eth0', false],
    ['store.test', 'evil.test', '169.254.169.254', false],
    ['store.test', 'evil.test', 'fd00:ec2::254', false],
    ['store.test', 'store.test', '127.0.0.1', true],
    ['127.0.0.1', 'localhost', '::1', true],
    ['127.0.0.1', 'evil.test', '169.254.169.254', false],
  ])('from a store at %s: %s at %s: %p', (from, host, address, admitted) => {
    expect(admittedFrom(new URL(`http://${from}:9000`))(host, address)).toBe(admitted)
  })
})

describe('a size that no blob may have', () => {
  test('is the fault of the backend that tells it, not of the origin that asks', async () => {
    await using store = await scriptedServer(
      (_, res) => void res.writeHead(200, { 'content-length': 2 ** 41, etag: '"e"' }).end(),
    )
    const blobs = { driver: 'http', url: `${store.url}/{digest}` }
    await using data = await tempFolder('sizes')
    await using shoal = await startTopology({
      ...{ agents: 1, origins: 2, trackers: 1, processes: [] },
      backends: { blobs, index: { driver: 'file', folder: data.path } },
    })
    const path = `/namespace/team%2Fapp/blobs/${digest}`
    for (const id of ['origin-1', 'origin-2', 'tracker-1']) {
      const answer = await fetch(`${shoal.url(id)}${path}/metainfo`)
      const told = expect.objectContaining({ code: 'BACKEND_CORRUPT' })
      expect([answer.status, await answer.json()]).toEqual([502, expect.objectContaining({ error: told })])
    }
    for (const id of ['tracker-1', 'origin-1', 'origin-2']) {
      expect([id, await shoal.counter(id, 'shoal_cluster_member_healthy', 'cluster="origins"')]).toEqual([id, 2])
    }
  })
})
