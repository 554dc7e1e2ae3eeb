import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { door } from '../../../lib/http/door.ts'
import { parseRequestTarget } from '../../../lib/http/request-target.ts'
import { secretAuthenticator } from '../../../lib/identity/index.ts'
import { accepting } from '../../kit/secrets.ts'

interface Given {
  readonly headers?: Readonly<Record<string, string>>
  readonly localAddress?: string
}

const request = ({ headers = {}, localAddress = '127.0.0.1' }: Given): IncomingMessage =>
  ({
    headers,
    headersDistinct: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.split('|')])),
    socket: { localAddress, remoteAddress: '203.0.113.1' },
  }) as unknown as IncomingMessage

function listener(bind: string, hosts: readonly string[] | 'any' = []) {
  const atDoor = door(secretAuthenticator({ secrets: accepting({ service: 'secret' }) }), { bind, hosts })
  return (req: IncomingMessage, target = '/blobs') => atDoor(req, parseRequestTarget(target))
}

const refusal = (code: string) => expect.objectContaining({ code })

describe('a door knows the host', () => {
  test.each([
    ['127.0.0.1', [], '127.0.0.1:64004'],
    ['127.0.0.1', [], 'localhost:1'],
    ['127.0.0.1', [], 'LocalHost.'],
    ['127.0.0.1', [], '[::1]:64004'],
    ['10.0.0.7', [], '10.0.0.7:64004'],
    ['0.0.0.0', [], '192.0.2.7:64004'],
    ['::', [], '192.0.2.7'],
    ['127.0.0.1', ['tracker-0.shoal.svc'], 'tracker-0.shoal.svc:63001'],
    ['127.0.0.1', ['*.shoal.svc'], 'Tracker-0.shoal.svc'],
  ])('on %s with the hosts %j: %s', (bind, hosts, host) => {
    const localAddress = bind === '::' ? '::ffff:192.0.2.7' : '192.0.2.7'
    expect(() => listener(bind, hosts)(request({ headers: { host }, localAddress }))).not.toThrow()
  })

  test('whatever it is, where any counts', () => {
    expect(() => listener('0.0.0.0', 'any')(request({ headers: { host: 'mirror.example' } }))).not.toThrow()
  })

  test('whatever it is, from whoever shows a secret, and never for a wrong one', () => {
    const call = (token: string) => () =>
      listener('0.0.0.0')(request({ headers: { host: 'tracker-0', authorization: `Bearer ${token}` } }))
    expect(call('secret')).not.toThrow()
    expect(call('secreT')).toThrow(refusal('HOST_UNKNOWN'))
  })
})

describe('a door does not know the host', () => {
  test.each([
    ['rebound.evil.example', '/'],
    ['rebound.evil.example:64004', '/'],
    ['127.0.0.1.evil.example', '/'],
    ['localhost.evil.example', '/'],
    ['xshoal.svc', '/'],
    ['.shoal.svc', '/'],
    ['192.0.2.8', '/'],
    ['127.0.0.1@evil.example', '/'],
    ['', '/'],
    ['127.0.0.1|evil.example', '/'],
    ['127.0.0.1', 'http://evil.example/drain'],
    ['127.0.0.1', 'HTTP://127.0.0.1@evil.example/drain'],
    ['evil.example', 'http://127.0.0.1/drain'],
  ])('%p with the target %s, and names the key to set', (host, target) => {
    const call = () => listener('0.0.0.0', ['*.shoal.svc'])(request({ headers: { host } }), target)
    expect(call).toThrow(refusal('HOST_UNKNOWN'))
    expect(call).toThrow(/config key hosts/)
  })
})

describe('a door for browsers', () => {
  const host = '127.0.0.1:64004'
  test.each([
    [{}],
    [{ origin: 'http://127.0.0.1:64004' }],
    [{ origin: 'https://127.0.0.1:64004', 'sec-fetch-site': 'same-origin' }],
    [{ 'sec-fetch-site': 'none' }],
  ])('lets in %j', (headers) => {
    expect(() => listener('127.0.0.1')(request({ headers: { host, ...headers } }))).not.toThrow()
  })

  test.each([
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: '' }],
    [{ origin: 'http://127.0.0.1:8080' }],
    [{ origin: 'http://evil.example@127.0.0.1:64004' }],
    [{ origin: 'file://127.0.0.1:64004' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': 'cross-site', origin: 'http://127.0.0.1:64004' }],
    [{ origin: 'https://evil.example', authorization: 'Bearer secret' }],
  ])('refuses %j, also where any host counts', (headers) => {
    const call = (hosts: readonly string[] | 'any') => () =>
      listener('127.0.0.1', hosts)(request({ headers: { host, ...headers } }))
    expect(call([])).toThrow(refusal('CROSS_SITE'))
    expect(call('any')).toThrow(refusal('CROSS_SITE'))
  })
})
