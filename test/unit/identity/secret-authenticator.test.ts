import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { assertSafeBind, isLoopback, may, secretAuthenticator, secretsFor } from '../../../lib/identity/index.ts'
import { accepting, everySecret } from '../../kit/secrets.ts'

const caller = (authorization?: string, remoteAddress = '10.0.0.9') =>
  ({ headers: { authorization }, socket: { remoteAddress } }) as unknown as IncomingMessage

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

const everything = ['read', 'announce', 'write', 'ring', 'replicate', 'inspect', 'admin']

describe('secretAuthenticator with a secret', () => {
  const authenticate = secretAuthenticator({ secrets: accepting({ admin: 'sesame' }), anonymous: 'read' })

  test.each([['Bearer sesame'], ['bearer  sesame'], [basic('anyone:sesame')]])('knows the caller by %p', (header) => {
    expect(authenticate(caller(header))).toEqual({ name: 'admin', rights: ['inspect', 'admin'] })
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

  test('takes an empty name with an empty password for no credentials, as podman and skopeo send them', () => {
    expect(authenticate(caller(basic(':')))).toEqual(authenticate(caller()))
    expect(authenticate(caller(basic('a:'))).rights).toEqual([])
  })

  test('gives a caller without a secret what the listener grants', () => {
    expect(authenticate(caller()).rights).toEqual(['read'])
    expect(secretAuthenticator({ secrets: accepting({ admin: 't' }) })(caller()).rights).toEqual([])
    const open = secretAuthenticator({ secrets: accepting({ admin: 't' }), anonymous: 'write' })
    expect(open(caller()).rights).toEqual(['read', 'announce', 'write'])
  })

  test('gives nothing to who has no secret, where the program only shows one and accepts none', () => {
    const secrets = secretsFor({ accepts: [], shows: 'service' }, { service: ['sesame'] })
    expect(secretAuthenticator({ secrets })(caller()).rights).toEqual([])
    expect(secretAuthenticator({ secrets })(caller('Bearer sesame')).rights).toEqual([])
  })

  test('trusts callers from this machine only where told to', () => {
    const trusting = secretAuthenticator({ secrets: accepting({ admin: 't' }), trustLoopback: true })
    expect(trusting(caller(undefined, '::ffff:127.0.0.1')).rights).toEqual(everything)
    expect(trusting(caller(undefined, '10.0.0.9')).rights).toEqual([])
    expect(trusting(caller('Bearer wrong', '127.0.0.1')).rights).toEqual([])
    const plain = secretAuthenticator({ secrets: accepting({ admin: 't' }) })
    expect(plain(caller(undefined, '127.0.0.1')).rights).toEqual([])
  })
})

describe('each secret', () => {
  const authenticate = secretAuthenticator({ secrets: accepting(everySecret) })

  test.each([
    ['read', ['read']],
    ['push', ['read', 'write']],
    ['node', ['read', 'announce']],
    ['service', ['read', 'announce', 'write', 'ring', 'replicate']],
    ['peering', ['replicate']],
    ['adminRead', ['inspect']],
    ['admin', ['inspect', 'admin']],
  ] as const)('%s gives its own rights: %j', (name, rights) => {
    expect(authenticate(caller(`Bearer ${everySecret[name]}`))).toEqual({ name, rights })
  })

  test('may have two values at once, and no third', () => {
    const secrets = secretsFor({ accepts: ['read'] }, { read: ['the new one', 'the old one'] })
    const rightsOf = (value: string) => secretAuthenticator({ secrets })(caller(basic(`x:${value}`))).rights
    expect([rightsOf('the new one'), rightsOf('the old one'), rightsOf('the one')]).toEqual([['read'], ['read'], []])
  })
})

describe('secretAuthenticator without a secret', () => {
  test('gives everybody every right, because the bind protects the listener', () => {
    expect(secretAuthenticator()(caller()).rights).toEqual(everything)
    expect(secretAuthenticator()(caller('Bearer whatever')).rights).toEqual(everything)
  })

  test('obeys what the config grants to strangers', () => {
    expect(secretAuthenticator({ anonymous: 'read' })(caller()).rights).toEqual(['read'])
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
    '%p is reachable from outside and needs a secret or the word of the operator',
    (host) => {
      expect(isLoopback(host)).toBe(false)
      expect(() => assertSafeBind({ listener: 'http', host })).toThrow(
        expect.objectContaining({ code: 'INSECURE_BIND' }),
      )
      assertSafeBind({ listener: 'http', host, guarded: true })
      assertSafeBind({ listener: 'http', host, insecure: true })
    },
  )
})
