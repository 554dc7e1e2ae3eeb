import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  Extension,
  Extensions,
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  NameConstraints,
} from '@peculiar/asn1-x509'
import { issue, newAuthority, signingAuthority } from '../../../lib/certificates/index.ts'
import { namesPermitted } from '../../../lib/certificates/name-constraints.ts'
import { selfSigned } from '../../kit/certificate.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const now = Date.parse('2026-06-01')
const life = { fromMs: now - DAY_MS, toMs: now + DAY_MS }
const own = newAuthority({ name: 'operator', ...life })
const refusalOf = (texts: { certificate: string; key: string }, nowMs = now) => {
  try {
    signingAuthority(texts, nowMs)
  } catch (err) {
    const { code, message } = err as Error & { readonly code: string }
    return `${code} ${message}`
  }
  return undefined
}

describe('an authority that signs certificates of hosts', () => {
  test('is one that may sign, has its key, and is valid now', () => {
    const signer = { certificate: new X509Certificate(own.certificate), key: createPrivateKey(own.key) }
    const leaf = issue(signer, { name: 'a', hosts: ['a.example'], ...life })
    expect(refusalOf(own)).toBeUndefined()
    expect(refusalOf(leaf)).toMatch(/^CONFIG_INVALID it is no certificate of an authority/)
    expect(refusalOf({ ...own, key: selfSigned().key })).toMatch(/the key is not that of the certificate/)
    expect(refusalOf(own, now + 2 * DAY_MS)).toMatch(/it has ended on/)
    expect(refusalOf(own, now - 2 * DAY_MS)).toMatch(/it begins on/)
    expect(refusalOf({ certificate: 'nothing', key: own.key })).toMatch(/no certificate in PEM/)
    expect(refusalOf({ ...own, key: 'nothing' })).toMatch(/no private key in PEM/)
  })

  test.each(['rsa', 'ed25519', 'ec'])('signs with a key of the kind %s', (kind) => {
    const pairs = {
      rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
      ed25519: () => generateKeyPairSync('ed25519'),
      ec: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    }
    const { privateKey, publicKey } = pairs[kind as keyof typeof pairs]()
    const above = { certificate: new X509Certificate(own.certificate), key: privateKey }
    const leaf = issue(above, { name: 'a', hosts: ['a.example'], ...life })
    expect(new X509Certificate(leaf.certificate).verify(publicKey)).toBe(true)
  })
})

const tree = (part: Partial<GeneralName>) => new GeneralSubtree({ base: new GeneralName(part) })
const trees = (...parts: readonly Partial<GeneralName>[]) => new GeneralSubtrees(parts.map(tree))
const permits = (init: Partial<NameConstraints>) => {
  const extnValue = new OctetString(AsnConvert.serialize(new NameConstraints(init)))
  const extension = new Extension({ extnID: '2.5.29.30', critical: true, extnValue })
  return namesPermitted(AsnConvert.parse(AsnConvert.serialize(new Extensions([extension])), Extensions))
}

describe('name constraints', () => {
  test('leave the names below those that are permitted, without those that are excluded', () => {
    const may = permits({
      permittedSubtrees: trees({ dNSName: 'example.com' }, { dNSName: '.only.below' }),
      excludedSubtrees: trees({ dNSName: 'secret.example.com' }),
    })
    const hosts = [
      'example.com',
      'a.example.com',
      'badexample.com',
      'secret.example.com',
      'x.secret.example.com',
      'only.below',
      'a.only.below',
    ]
    expect(hosts.map(may)).toEqual([true, true, false, false, false, false, true])
    expect(may('10.0.0.1')).toBe(true)
  })

  test('of addresses are networks, and say nothing about names', () => {
    const may = permits({
      permittedSubtrees: trees({ iPAddress: '10.0.0.0/8' }, { iPAddress: 'fd00:0:0:0:0:0:0:0/8' }),
    })
    expect(['10.1.2.3', '11.0.0.1', 'fd12::1', 'fe80::1', 'any.example'].map(may)).toEqual([
      true,
      false,
      true,
      false,
      true,
    ])
  })
})
