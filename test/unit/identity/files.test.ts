import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import {
  derivedKeys,
  newToken,
  parseGrant,
  parseKeyFile,
  parseTokenFile,
  tokenFileText,
} from '../../../lib/identity/index.ts'
import { parsePasswordFile } from '../../../lib/identity/password-file.ts'

const hash = `$2y$10$${'a'.repeat(53)}`
const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) })

describe('a file of users', () => {
  test('has one user a line', () => {
    const users = parsePasswordFile(`# our users\nann:${hash}\r\n\nbob:${hash.replace('2y', '2b')}\n`)
    expect([...users.keys()]).toEqual(['ann', 'bob'])
  })

  test.each([
    ['ann', /^line 1 .*NAME:HASH/],
    [`:${hash}`, /NAME:HASH/],
    [`a b:${hash}`, /NAME:HASH/],
    [`ann:${hash}\nann:${hash}`, /^line 2 .*twice/],
    ['ann:$apr1$abc$0123456789', /only bcrypt/],
    ['ann:plain-password', /only bcrypt/],
    [`ann:${hash.replace('$10$', '$16$')}`, /cost/],
    [`ann:${hash.replace('$10$', '$03$')}`, /cost/],
  ])('%j is refused, and not shown', (text, message) => {
    expect(() => parsePasswordFile(text)).toThrow(refusal(message))
    expect(() => parsePasswordFile(text)).not.toThrow(/plain-password|0123456789/)
  })
})

describe('a file of tokens', () => {
  const grants = [parseGrant('team/*=pull,push'), parseGrant('public/a=pull')]

  test('gives back what was written, without the tokens', () => {
    const { token, kept } = newToken({ name: 'build-7', expiresMs: Date.UTC(2030, 0, 31), grants })
    const text = tokenFileText([kept, newToken({ name: 'other', expiresMs: undefined, grants }).kept])
    expect(text).not.toContain(token)
    expect(token).toMatch(/^shoal_[\w-]{43}$/)
    const [first, second] = parseTokenFile(text)
    expect(first).toEqual(kept)
    expect([second?.name, second?.expiresMs]).toEqual(['other', undefined])
  })

  test.each([
    ['Build', /line 1 .*lower-case/],
    ['build 12', /SHA-256/],
    [`build ${'0'.repeat(64)} soon a=pull`, /time/],
    [`build ${'0'.repeat(64)} never`, /no grant/],
    [`build ${'0'.repeat(64)} never team/*`, /actions of a grant/],
    [`build ${'0'.repeat(64)} never team/*=fly`, /actions of a grant/],
    [`build ${'0'.repeat(64)} never Team=pull`, /pattern/],
    [`build ${'0'.repeat(64)} never a=pull\nbuild ${'1'.repeat(64)} never a=pull`, /line 2 .*twice/],
  ])('%j is refused', (text, message) => {
    expect(() => parseTokenFile(text)).toThrow(refusal(message))
  })
})

describe('keys', () => {
  const pem = (type: 'ed25519' | 'rsa', bits = 2048) => {
    const { privateKey, publicKey } =
      type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: bits }) : generateKeyPairSync('ed25519')
    const text = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    return { text, public: publicKey.export({ format: 'pem', type: 'spki' }).toString() }
  }

  test('that follow from a secret are the same for the same secret, and only for it', () => {
    expect(derivedKeys('one').signing.id).toBe(derivedKeys('one').signing.id)
    expect(derivedKeys('one').signing.id).not.toBe(derivedKeys('two').signing.id)
  })

  test('of a file: the first signs, all prove', () => {
    const [own, before, rsa] = [pem('ed25519'), pem('ed25519'), pem('rsa')]
    const keys = parseKeyFile(own.text + before.public + rsa.text)
    expect(keys.signing.algorithm).toBe('EdDSA')
    expect(keys.proving.map(({ algorithm }) => algorithm)).toEqual(['EdDSA', 'EdDSA', 'RS256'])
    expect(keys.proving[1]?.id).toBe(parseKeyFile(before.text).signing.id)
  })

  test.each([
    ['', /first key must be a private key/],
    [pem('ed25519').public, /first key must be a private key/],
    [pem('rsa', 1024).text, /2048 bits/],
    ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', /not understood/],
  ])('%# of no use are refused', (text, message) => {
    expect(() => parseKeyFile(text)).toThrow(refusal(message))
  })
})
