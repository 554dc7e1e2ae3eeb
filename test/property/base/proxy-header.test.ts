import { isIPv6 } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { MAX_PROXY_HEADER, parseProxyHeader } from '../../../lib/base/index.ts'
import { FUZZ_MS, fuzzRuns } from '../../kit/fuzz-runs.ts'
import { proxyHeader } from '../../kit/proxy-header.ts'

const octet = fc.integer({ min: 0, max: 255 })
const v4 = fc
  .tuple(
    fc.integer({ min: 1, max: 223 }).filter((first) => first !== 127 && first !== 169),
    octet,
    octet,
    octet,
  )
  .map((octets) => octets.join('.'))
const v6 = fc
  .tuple(
    fc.constantFrom('2001:db8', 'fd00:1', '64:ff9b'),
    fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 6, maxLength: 6 }),
  )
  .map(([net, groups]) => `${net}:${groups.map((group) => group.toString(16)).join(':')}`)
const port = fc.integer({ min: 1, max: 65_535 })
const extras = fc.uint8Array({ maxLength: 300 })
const rest = fc.uint8Array({ maxLength: 100 })

describe('a header of the PROXY protocol', () => {
  test(
    'is read for what it says, whatever comes with it and behind it, and not before its last byte',
    () => {
      fc.assert(
        fc.property(fc.oneof(v4, v6), port, extras, rest, (address, from, tlvs, behind) => {
          const header = proxyHeader({ address, port: from }, tlvs)
          const bytes = Buffer.concat([header, behind])
          for (let at = 0; at < header.length; at += 1) expect(parseProxyHeader(bytes.subarray(0, at))).toBeUndefined()
          expect(parseProxyHeader(bytes)).toEqual({ length: header.length, source: { address, port: from } })
        }),
        fuzzRuns('headers', 200),
      )
    },
    FUZZ_MS,
  )

  test('of a balancer that looks whether we live names nobody', () => {
    const header = proxyHeader(undefined, Buffer.from('anything'))
    expect(parseProxyHeader(header)).toEqual({ length: header.length, source: undefined })
  })

  test(
    'is refused, or waited for, or right: whatever bytes come, nothing else happens',
    () => {
      const changed = fc
        .tuple(fc.oneof(v4, v6), port, extras, fc.array(fc.tuple(fc.nat(400), octet), { maxLength: 4 }))
        .map(([address, from, tlvs, changes]) => {
          const bytes = proxyHeader({ address, port: from }, tlvs)
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          return bytes
        })
      fc.assert(
        fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 3000 })), (bytes) => {
          let parsed: ReturnType<typeof parseProxyHeader>
          try {
            parsed = parseProxyHeader(bytes)
          } catch (err) {
            expect(err).toMatchObject({ code: 'PROXY_HEADER_INVALID' })
            return
          }
          if (parsed === undefined) expect(bytes.length).toBeLessThan(MAX_PROXY_HEADER)
          else expect(parsed.length).toBeLessThanOrEqual(Math.min(bytes.length, MAX_PROXY_HEADER))
        }),
        fuzzRuns('changed headers', 2_000),
      )
    },
    FUZZ_MS,
  )

  test.each([
    '127.0.0.1',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'ff02::1',
    '::ffff:127.0.0.1',
  ])('that names %s, which no client has, is refused', (address) => {
    expect(() => parseProxyHeader(proxyHeader({ address, port: 1 }))).toThrow(
      expect.objectContaining({ code: 'PROXY_HEADER_INVALID' }),
    )
  })

  test('names an IPv4 address in one form', () => {
    const header = proxyHeader({ address: '::ffff:10.1.2.3', port: 9 })
    expect(isIPv6('::ffff:10.1.2.3')).toBe(true)
    expect(parseProxyHeader(header)?.source).toEqual({ address: '10.1.2.3', port: 9 })
  })

  test.each<[string, (header: Buffer) => void]>([
    ['another beginning', (header) => header.write('GET / HTTP/1')],
    ['version 1', (header) => header.writeUInt8(0x11, 12)],
    ['an unknown command', (header) => header.writeUInt8(0x22, 12)],
    ['a datagram', (header) => header.writeUInt8(0x12, 13)],
    ['a socket of a file', (header) => header.writeUInt8(0x31, 13)],
    ['no family', (header) => header.writeUInt8(0, 13)],
    ['no room for addresses', (header) => header.writeUInt16BE(11, 14)],
    ['more bytes than one may have', (header) => header.writeUInt16BE(MAX_PROXY_HEADER, 14)],
    ['port 0', (header) => header.writeUInt16BE(0, 24)],
  ])('with %s is refused', (_, change) => {
    const header = proxyHeader({ address: '10.0.0.1', port: 5 })
    change(header)
    expect(() => parseProxyHeader(header)).toThrow(expect.objectContaining({ code: 'PROXY_HEADER_INVALID' }))
  })
})
