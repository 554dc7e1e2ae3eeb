import type { LookupFunction } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { systemClock } from '../../lib/base/index.ts'
import { originSchema } from '../../services/origin/index.ts'
import { parseAllowedHost, sendTargets } from '../../services/origin/push/send-targets.ts'
import { nearOrigin, putCopy } from '../kit/near-origin.ts'
import { scriptedServer } from '../kit/scripted-server.ts'
import { contentOf } from '../kit/store-fixture.ts'

/** Somebody has an origin send blobs where he wants: who holds `service`, or another cluster that tells its origins. */

const everyName: LookupFunction = (_host, _options, done) => done(null, '203.0.113.1', 4)

const targetsOf = (allow: readonly string[], lookup = everyName) =>
  sendTargets(
    { clock: systemClock(), lookup },
    allow.map((each) => parseAllowedHost(each)!),
  )

const allowed = ['far.example', 'port.example:64001', '*.below.example', '10.0.0.9', '[2001:db8::1]', '127.0.0.1']
const links = ['169.254.169.254', '[fe80::1]', 'metadata.google.internal', '100.100.100.200', '[fd00:ec2::254]']

describe('an origin that is told to send to', () => {
  test.each([
    'http://far.example',
    'https://FAR.example.:64001/below',
    'http://port.example:64001',
    'http://a.b.below.example:1',
    'http://10.0.0.9:64001',
    'http://[2001:DB8:0::1]:64001',
    'http://127.0.0.1:1',
  ])('%s does so: the list names it', (url) => {
    expect(() => targetsOf(allowed).check(url)).not.toThrow()
  })

  test.each([
    'http://evil.example',
    'http://far.example.evil.example',
    'http://notfar.example',
    'http://sub.far.example',
    'http://port.example',
    'https://port.example:64002',
    'http://below.example',
    'http://evilbelow.example',
    'http://10.0.0.90',
    'http://[::1]:64001',
    'http://localhost:1',
  ])('%s refuses: the list does not name it', (url) => {
    expect(() => targetsOf(allowed).check(url)).toThrow(expect.objectContaining({ code: 'SEND_NOT_ALLOWED' }))
  })

  test.each([...links, '2852039166', '[::ffff:a9fe:a9fe]', 'METADATA.google.internal.'])(
    '%s refuses, also when the list names it',
    (host) => {
      const targets = targetsOf([host, '*.internal'])
      expect(() => targets.check(`http://${host}/`)).toThrow(expect.objectContaining({ code: 'SEND_NOT_ALLOWED' }))
    },
  )

  test('nothing sends nowhere by default, and says what to set', async () => {
    await using far = await scriptedServer((_, res) => void res.writeHead(404).end())
    await using near = await nearOrigin({ send: {} })
    const content = contentOf(Buffer.from('a blob that stays here'))
    await putCopy(near.url, 'team/app', content)
    const answer = await fetch(`${near.url}/namespace/team%2Fapp/blobs/${content.digest}/send`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ url: far.url, repository: 'team/app', secret: 'a-secret-of-the-far-end' }),
    })
    const { error } = (await answer.json()) as { error: { code: string; message: string } }
    expect([answer.status, error.code]).toEqual([403, 'SEND_NOT_ALLOWED'])
    expect(error.message).toContain('send.allow')
    expect(far.requests).toEqual([])
  })
})

describe('a name that the list allows', () => {
  const lookupTo =
    (address: string): LookupFunction =>
    (_host, { all }, done) => {
      const family = address.includes(':') ? 6 : 4
      if (all === true) done(null, [{ address, family }])
      else done(null, address, family)
    }
  const ask = async (allow: readonly string[], address: string, host: string) => {
    await using server = await scriptedServer((_, res) => void res.writeHead(204).end())
    const { http } = targetsOf(allow, lookupTo(address))
    await http.start()
    const url = server.url.replace('127.0.0.1', host)
    const outcome = await http.request({ method: 'GET', url }).then(
      async (answer) => {
        await answer.discard()
        return answer.status
      },
      (err: unknown) => (inspect(err).includes('an address that nobody may follow') ? 'refused' : inspect(err)),
    )
    await http.stop()
    return [outcome, server.requests.length]
  }

  test('is not followed to this machine when it is only below one that is named', async () => {
    expect(await ask(['*.far.example'], '127.0.0.1', 'evil.far.example')).toEqual(['refused', 0])
  })

  test('is followed to this machine when it is named itself', async () => {
    expect(await ask(['here.example'], '127.0.0.1', 'here.example')).toEqual([204, 1])
  })

  test.each(['169.254.169.254', 'fe80::1', '::ffff:169.254.169.254', '100.100.100.200', 'fd00:ec2::254'])(
    'is not followed to %s, also when it is named itself',
    async (address) => {
      expect(await ask(['here.example'], address, 'here.example')).toEqual(['refused', 0])
    },
  )
})

test.each(['', '*', '*.', 'http://far.example', 'far.example/path', 'far.example:99999', 'user@far.example', 'a b'])(
  '"%s" names no host',
  (text) => {
    expect(parseAllowedHost(text)).toBeUndefined()
    expect(originSchema.safeParse({ send: { allow: [text] } }).success).toBe(false)
  },
)
