import { describe, expect, test } from '@jest/globals'
import { admittedInner, admittedPublic } from '../../../lib/http/index.ts'

/** Addresses that lead to this machine, its link or where clouds keep credentials, whoever asks. */
const never = [
  '169.254.169.254',
  '168.63.129.16',
  '192.0.0.192',
  '100.100.100.200',
  'fe80::1',
  'fd00:ec2::254',
  '::ffff:169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
  '::a9fe:a9fe',
  '::ffff:0:a9fe:a9fe',
  'fd20:ce::254',
  'fd00:42::42',
]
/** Those of this machine and of private networks, in all their forms. */
const inner = [
  '127.0.0.1',
  '0.0.0.0',
  '10.1.2.3',
  '172.31.255.1',
  '192.168.0.1',
  '100.64.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  'fd12::1',
  'fec0::1',
  'ff02::1',
  '::ffff:10.0.0.1',
  '::ffff:127.0.0.1',
  '64:ff9b::a00:1',
  '64:ff9b:1::a00:1',
  '2002:a00:1::1',
  '2002:7f00:1::1',
  '::a00:1',
  '::ffff:0:a00:1',
  '2001:0:4136:e378:8000:63bf:f5ff:fffe',
]
const outer = ['8.8.8.8', '172.32.0.1', '2606:4700::1111', '64:ff9b::808:808', '2002:808:808::1', '::ffff:8.8.8.8']

describe('whom a registry of the internet may lead to', () => {
  test.each([...never, ...inner])('not %s', (address) => {
    expect(admittedPublic('registry.test', address)).toBe(false)
  })
  test.each(outer)('%s', (address) => {
    expect(admittedPublic('registry.test', address)).toBe(true)
  })
})

describe('whom a registry of inner networks may lead to', () => {
  test.each(never)('not %s', (address) => {
    expect(admittedInner('registry.test', address)).toBe(false)
  })
  test.each([...inner, ...outer])('%s', (address) => {
    expect(admittedInner('registry.test', address)).toBe(true)
  })
})
