import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { foreignTarget } from '../../../../lib/http/index.ts'
import { parseRequestTarget } from '../../../../lib/http/request-target.ts'
import { isNydusd, meanings, type WaysInit } from '../../../../services/agent/forward/ways.ts'

const digest = `sha256:${'a'.repeat(64)}`
const init: WaysInit = {
  rules: [
    { host: 'slow.example', path: '', as: 'relay' },
    { host: '*', path: '^/v2/', as: 'mirror' },
  ],
  ownNames: ['own.example'],
  ownHosts: ['registry.here', '*.below.here'],
  serves: (registry) => ['docker.io', 'reg.example', 'reg.example:5900', 'slow.example'].includes(registry),
}

interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What a request means that came in at 10.0.0.5:65001: `own`, `ns` of a registry, or the host and port elsewhere. */
function meant(text: string, { method = 'GET', headers = {} }: Sent = {}, rules = init.rules) {
  const socket = { localAddress: '::ffff:10.0.0.5', localPort: 65_001 }
  const req = { method, headers, socket } as unknown as IncomingMessage
  const target =
    method === 'CONNECT'
      ? { scheme: 'tunnel' as const, authority: text, path: '', query: '' }
      : parseRequestTarget(text)
  const meaning = meanings({ ...init, rules })(req, target)
  if (meaning.kind === 'registry') return `ns ${meaning.ns}`
  return meaning.kind === 'own' ? 'own' : `${meaning.target.host} ${meaning.target.port}`
}

describe('whose a request is', () => {
  test.each([
    ['/v2/team/app/manifests/1', 'own'],
    ['http://127.0.0.1:65001/v2/', 'own'],
    ['http://[::1]:65001/v2/', 'own'],
    ['http://[::ffff:7f00:1]:65001/v2/', 'own'],
    ['http://0x7f.1:65001/v2/', 'own'],
    ['http://localhost:65001/v2/', 'own'],
    ['http://10.0.0.5:65001/v2/', 'own'],
    ['http://10.0.0.6:65001/v2/', '10.0.0.6 65001'],
    ['http://127.0.0.1:9000/v2/', '127.0.0.1 9000'],
    ['http://registry.here/v2/team/app/manifests/1', 'own'],
    ['http://Registry.Here.:80/v2/', 'own'],
    ['http://a.below.here/v2/', 'own'],
    ['http://below.here/v2/', 'below.here 80'],
    ['http://own.example/v2/team/app/tags/list', 'ns own.example'],
    [`http://reg.example/v2/team/app/blobs/${digest}`, 'ns reg.example'],
    [`https://reg.example/v2/team/app/blobs/${digest}`, 'ns reg.example'],
    [`http://reg.example:443/v2/team/app/blobs/${digest}`, 'ns reg.example'],
    [`http://REG.example:5900/v2/team/app/manifests/1`, 'ns reg.example:5900'],
    [`http://reg.example:5901/v2/team/app/manifests/1`, 'reg.example 5901'],
    [`http://registry-1.docker.io/v2/library/nginx/blobs/${digest}`, 'ns registry-1.docker.io'],
    [`http://reg.example/v2/team/app/blobs/${digest}?ns=reg.example`, 'ns reg.example'],
    [`http://reg.example/v2/team/app/blobs/${digest}?ns=docker.io`, 'reg.example 80'],
    [`http://reg.example/v2/team/app/blobs/${digest}?token=x`, 'reg.example 80'],
    ['http://reg.example/v2/', 'reg.example 80'],
    ['http://reg.example/v2/team/app/tags/list', 'reg.example 80'],
    [`http://reg.example/other/v2/team/app/blobs/${digest}`, 'reg.example 80'],
    [`http://slow.example/v2/team/app/blobs/${digest}`, 'slow.example 80'],
    [`http://strange.example/v2/team/app/blobs/${digest}`, 'strange.example 80'],
    [`http://reg.example/v2/${'a/'.repeat(2000)}app/manifests/1`, 'reg.example 80'],
  ])('%s', (text, expected) => {
    expect(meant(text)).toBe(expected)
  })

  test('only what reads is a pull', () => {
    const blob = `http://reg.example/v2/team/app/blobs/${digest}`
    const of = (method: string) => meant(blob, { method })
    expect(['HEAD', 'DELETE', 'PUT', 'POST'].map(of)).toEqual(['ns reg.example', ...Array(3).fill('reg.example 80')])
    expect(meant('reg.example:443', { method: 'CONNECT' })).toBe('reg.example 443')
    expect(meant('127.0.0.1:65001', { method: 'CONNECT' })).toBe('127.0.0.1 65001')
  })

  test('what nydusd repeats without its marks is for the source', () => {
    const blob = `http://reg.example/v2/team/app/blobs/${digest}`
    const nydusd = { 'user-agent': 'nydusd/1.0.0' }
    expect(meant(blob, { headers: nydusd })).toBe('reg.example 80')
    expect(meant(blob, { headers: { ...nydusd, 'x-dragonfly-priority': '6' } })).toBe('ns reg.example')
    expect(meant(blob, { headers: { 'user-agent': 'curl/8' } })).toBe('ns reg.example')
  })

  test('nydusd is known by its name, and version 2.2, which has none and no marks, by how it asks', () => {
    const blob = `http://reg.example/v2/team/app/blobs/${digest}`
    const read = { range: 'bytes=0-9', 'content-length': '0', accept: '*/*' }
    const token = { 'content-length': '170', 'content-type': 'application/x-www-form-urlencoded', accept: '*/*' }
    const is = (headers: object, method = 'GET') => isNydusd({ method, headers } as unknown as IncomingMessage)
    expect([read, token, { 'user-agent': 'nydusd/1.0.0' }].map((headers) => is(headers))).toEqual([true, true, true])
    const others = [{ ...read, 'user-agent': 'curl/8' }, { accept: '*/*' }, { 'content-length': '0' }]
    expect(others.map((headers) => is(headers))).toEqual([false, false, false])
    expect(is(read, 'PUT')).toBe(false)
    expect(meant(blob, { headers: read })).toBe('ns reg.example')
  })

  test('without a rule nothing is a pull', () => {
    expect(meant(`http://reg.example/v2/team/app/blobs/${digest}`, {}, [])).toBe('reg.example 80')
  })
})

test.each([
  'user@reg.example:80',
  'reg.example:0',
  'reg.example:65536',
  'reg.example:',
  '%72eg.example',
  '[::1',
  '[fe80::1%25eth0]',
  'a\\b',
  '.',
  '',
  'a'.repeat(261),
])('the host %j is refused', (authority) => {
  expect(() => foreignTarget({ scheme: 'http', authority, path: '/', query: '' })).toThrow(
    expect.objectContaining({ code: 'REQUEST_INVALID' }),
  )
})

test('a tunnel needs a port', () => {
  expect(() => foreignTarget({ scheme: 'tunnel', authority: 'reg.example', path: '', query: '' })).toThrow()
})

test('what a rule makes a blob, unless it is for one client', () => {
  const rules = [{ host: 'models.example', path: '^/public/', as: 'blob' as const }]
  const isBlob = (url: string, { method = 'GET', headers = {} }: Sent = {}) => {
    const socket = { localAddress: '10.0.0.5', localPort: 65_001 }
    const req = { method, headers, socket } as unknown as IncomingMessage
    const meaning = meanings({ ...init, rules })(req, parseRequestTarget(url))
    return meaning.kind === 'away' && meaning.asBlob
  }
  const url = 'http://models.example/public/a?b=c'
  const kept = [{}, { headers: { range: 'bytes=0-1' } }, { headers: { 'cache-control': 'max-age=0' } }]
  expect(kept.map((sent) => isBlob(url, sent))).toEqual([true, true, true])
  const personal = [
    { authorization: 'Bearer x' },
    { cookie: 'a=b' },
    { 'cache-control': 'No-Cache' },
    { pragma: 'no-cache' },
  ]
  expect(personal.map((headers) => isBlob(url, { headers }))).toEqual([false, false, false, false])
  expect(isBlob(url, { method: 'HEAD' })).toBe(false)
  expect(isBlob('http://models.example/private/a')).toBe(false)
  expect(isBlob('http://other.example/public/a')).toBe(false)
})
