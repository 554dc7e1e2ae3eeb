import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { assertSafeBind, isLoopback, may, tokenAuthenticator } from '../../../lib/identity/index.ts'

const caller = (authorization?: string, remoteAddress = '10.0.0.9') =>
  ({ headers: { authorization }, socket: { remoteAddress } }) as unknown as IncomingMessage

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

describe('tokenAuthenticator with a token', () => {
  const authenticate = tokenAuthenticator({ token: 'sesame', anonymous: 'read' })

  test.each([['Bearer sesame'], ['bearer  sesame'], [basic('anyone:sesame')]])('gives %p every right', (header) => {
    expect(authenticate(caller(header))).toEqual({ name: 'cluster', rights: ['read', 'write', 'admin'] })
  })

  test.each([
    ['Bearer sesam'],
    ['Bearer sesamee'],
    ['Bearer'],
    [''],
    ['Digest sesame'],
    [basic('sesame')],
    [basic('sesame:')],
  ])('gives %p nothing, not even what a stranger may do', (header) => {
    expect(authenticate(caller(header))).toEqual({ name: 'anonymous', rights: [] })
  })

  test('gives a caller without a token what the listener grants', () => {
    expect(authenticate(caller()).rights).toEqual(['read'])
    expect(tokenAuthenticator({ token: 't' })(caller()).rights).toEqual([])
    expect(tokenAuthenticator({ token: 't', anonymous: 'write' })(caller()).rights).toEqual(['read', 'write'])
  })

  test('trusts callers from this machine only where told to', () => {
    const trusting = tokenAuthenticator({ token: 't', trustLoopback: true })
    expect(trusting(caller(undefined, '::ffff:127.0.0.1')).rights).toEqual(['read', 'write', 'admin'])
    expect(trusting(caller(undefined, '10.0.0.9')).rights).toEqual([])
    expect(trusting(caller('Bearer wrong', '127.0.0.1')).rights).toEqual([])
    expect(tokenAuthenticator({ token: 't' })(caller(undefined, '127.0.0.1')).rights).toEqual([])
  })
})

describe('tokenAuthenticator without a token', () => {
  test('gives everybody every right, because the bind protects the listener', () => {
    expect(tokenAuthenticator()(caller()).rights).toEqual(['read', 'write', 'admin'])
    expect(tokenAuthenticator()(caller('Bearer whatever')).rights).toEqual(['read', 'write', 'admin'])
  })

  test('obeys what the config grants to strangers', () => {
    expect(tokenAuthenticator({ anonymous: 'read' })(caller()).rights).toEqual(['read'])
  })
})

describe('rights', () => {
  test('none is for everybody, the rest must be held', () => {
    const reader = { name: 'r', rights: ['read'] } as const
    expect([may(reader, 'none'), may(reader, 'read'), may(reader, 'write')]).toEqual([true, true, false])
  })
})

describe('binds', () => {
  test.each(['127.0.0.1', '127.8.9.1', '::1', '[::1]', 'localhost', '::ffff:127.0.0.1'])('%s is loopback', (host) => {
    expect(isLoopback(host)).toBe(true)
    assertSafeBind({ listener: 'http', host })
  })

  test.each(['0.0.0.0', '::', '10.0.0.1', 'localhost.example.com', '127.0.0.1.example.com', ''])(
    '%p is reachable from outside and needs TLS, a token, or the word of the operator',
    (host) => {
      expect(isLoopback(host)).toBe(false)
      expect(() => assertSafeBind({ listener: 'http', host })).toThrow(
        expect.objectContaining({ code: 'INSECURE_BIND' }),
      )
      assertSafeBind({ listener: 'http', host, tls: true })
      assertSafeBind({ listener: 'http', host, token: 't' })
      assertSafeBind({ listener: 'http', host, insecure: true })
    },
  )
})
