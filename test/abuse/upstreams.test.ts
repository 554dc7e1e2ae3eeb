import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { fetchToken } from '../../lib/backend/registry/bearer-token.ts'
import { mayLeadTo } from '../../lib/backend/web/inner-address.ts'
import { sendWeb } from '../../lib/backend/web/web-client.ts'
import { fakeClock } from '../../lib/base/index.ts'
import type { HttpClient, HttpRequest } from '../../lib/http/index.ts'

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
