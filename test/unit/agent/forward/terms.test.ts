import { describe, expect, test } from '@jest/globals'
import { codeOf } from '../../../../lib/base/index.ts'
import { foreignTarget } from '../../../../lib/http/index.ts'
import { termsOf } from '../../../../services/agent/forward/terms.ts'

const hosts = [
  { host: 'exact.example', inner: false },
  { host: 'tls.example', inner: false, https: true, ca: 'ca.pem' },
  { host: 'other.example', inner: false, ports: [8080] },
  { host: '*.pattern.example', inner: false },
  { host: 'inside.example', inner: true },
  { host: '169.254.169.254', inner: true },
]

const at = (anyHost: boolean) =>
  termsOf({
    ...{ forward: { hosts, ports: [80, 443] }, anyHost },
    ownPorts: () => [65_001],
    authorities: (file) => `text of ${file}`,
    ownAddresses: () => ['10.0.0.5', 'fe80::5', '2001:db8::5'],
  })

function verdict(url: string, address: string, anyHost = false) {
  const [, scheme = 'http', authority = ''] = /^(\w+):\/\/(.*)$/.exec(url) ?? []
  try {
    const target = foreignTarget({ scheme: scheme as 'http', authority, path: '/', query: '' })
    const refused = at(anyHost)(target).refusalOf(address)
    return refused === undefined ? 'goes' : refused.code
  } catch (err) {
    return codeOf(err)
  }
}

describe('where the proxy goes', () => {
  test.each([
    ['http://exact.example', '93.184.216.34', 'goes'],
    ['http://exact.example', '10.1.2.3', 'goes'],
    ['http://exact.example', '127.0.0.1', 'FORWARD_DENIED'],
    ['http://exact.example', '::1', 'FORWARD_DENIED'],
    ['http://exact.example', '0.0.0.0', 'FORWARD_DENIED'],
    ['http://exact.example', '::ffff:127.0.0.1', 'FORWARD_DENIED'],
    ['http://exact.example', '64:ff9b::7f00:1', 'FORWARD_DENIED'],
    ['http://exact.example', '10.0.0.5', 'FORWARD_DENIED'],
    ['http://exact.example', '::ffff:10.0.0.5', 'FORWARD_DENIED'],
    ['http://exact.example', '2001:db8::5', 'FORWARD_DENIED'],
    ['http://exact.example', '169.254.169.254', 'FORWARD_DENIED'],
    ['http://exact.example', 'fe80::1', 'FORWARD_DENIED'],
    ['http://exact.example', '100.100.100.200', 'FORWARD_DENIED'],
    ['http://exact.example:8080', '93.184.216.34', 'FORWARD_DENIED'],
    ['http://other.example:8080', '93.184.216.34', 'goes'],
    ['http://other.example', '93.184.216.34', 'FORWARD_DENIED'],
    ['http://a.pattern.example', '93.184.216.34', 'goes'],
    ['http://a.pattern.example', '10.1.2.3', 'FORWARD_DENIED'],
    ['http://a.pattern.example', 'fd00::1', 'FORWARD_DENIED'],
    ['http://inside.example', '127.0.0.1', 'goes'],
    ['http://inside.example', '10.0.0.5', 'goes'],
    ['http://inside.example', '169.254.169.254', 'FORWARD_DENIED'],
    ['http://169.254.169.254', '169.254.169.254', 'goes'],
    ['http://strange.example', '93.184.216.34', 'FORWARD_DENIED'],
  ])('beyond this machine: %s at %s', (url, address, expected) => {
    expect(verdict(url, address)).toBe(expected)
  })

  test.each([
    ['http://strange.example', '93.184.216.34', 'goes'],
    ['http://strange.example', '10.1.2.3', 'goes'],
    ['tunnel://strange.example:443', '93.184.216.34', 'goes'],
    ['tunnel://strange.example:22', '93.184.216.34', 'FORWARD_DENIED'],
    ['http://strange.example', '127.0.0.1', 'FORWARD_DENIED'],
    ['http://strange.example', '169.254.169.254', 'FORWARD_DENIED'],
    ['http://metadata.google.internal', '169.254.169.254', 'FORWARD_DENIED'],
  ])('for callers of this machine: %s at %s', (url, address, expected) => {
    expect(verdict(url, address, true)).toBe(expected)
  })

  test('never to a port of its own on this machine, by whatever address', () => {
    const terms = termsOf({
      forward: { hosts: [{ host: '*', inner: true, ports: [65_001] }], ports: [80] },
      ...{ anyHost: true, ownPorts: () => [65_001], authorities: () => undefined, ownAddresses: () => ['10.0.0.5'] },
    })(foreignTarget({ scheme: 'http', authority: 'me.example:65001', path: '/', query: '' }))
    const codes = ['127.0.0.1', '127.9.9.9', '::1', '0.0.0.0', '10.0.0.5', '::ffff:10.0.0.5', '10.0.0.6'].map(
      (address) => terms.refusalOf(address)?.code,
    )
    expect(codes).toEqual([...Array<string>(6).fill('FORWARD_LOOP'), undefined])
  })
})

test('a host may be reached by https where its clients say http', () => {
  const target = (authority: string) => foreignTarget({ scheme: 'http', authority, path: '/', query: '' })
  const of = (authority: string, byHttps = false) => {
    const { port, secure, ca } = at(false)(target(authority), byHttps)
    return { port, secure, ca }
  }
  expect(of('tls.example')).toEqual({ port: 443, secure: true, ca: 'text of ca.pem' })
  expect(of('tls.example:80')).toEqual({ port: 80, secure: true, ca: 'text of ca.pem' })
  expect(of('exact.example')).toEqual({ port: 80, secure: false, ca: undefined })
  expect(of('exact.example', true)).toEqual({ port: 443, secure: true, ca: undefined })
})
