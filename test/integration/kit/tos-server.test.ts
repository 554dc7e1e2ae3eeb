import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { signatureOf, TOS_KEY_ID, TOS_SECRET, type TosServer, tosServer } from '../../kit/tos-server/index.ts'

const EMPTY_SHA256 = createHash('sha256').digest('hex')
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const STAMP = '20260102T030405Z'

interface Asking {
  readonly method?: string
  readonly path?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly keyId?: string
  readonly secret?: string
  readonly date?: string
  readonly signed?: readonly string[]
}

describe('the emulator of TOS', () => {
  let server: TosServer
  const clock = fakeClock(NOW)

  beforeEach(async () => {
    server = await tosServer({ clock, minPartBytes: 4 })
  })
  afterEach(() => server.kill())

  /** Signs by the published rules, without the SDK. */
  const ask = async ({ method = 'GET', path = '/k', body, headers = {}, ...rest }: Asking = {}) => {
    const { keyId = TOS_KEY_ID, secret = TOS_SECRET, date = STAMP } = rest
    const url = new URL(`${server.endpoint}/${server.bucketName}${path}`)
    const sent = { 'x-tos-date': date, 'x-tos-content-sha256': 'UNSIGNED-PAYLOAD', ...headers }
    const all = { ...sent, host: url.host }
    const signed = rest.signed ?? Object.keys(all).sort()
    const request = { method, path: url.pathname, query: [...url.searchParams], headers: all }
    const signature = signatureOf(request, { signed, secret, region: server.region })
    const credential = `${keyId}/${date.slice(0, 8)}/${server.region}/tos/request`
    const authorization = `TOS4-HMAC-SHA256 Credential=${credential},SignedHeaders=${signed.join(';')},Signature=${signature}`
    const answer = await fetch(url, { method, headers: { ...sent, authorization }, body: body ?? null })
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  }
  const codeOf = ({ status, text }: { readonly status: number; readonly text: string }) =>
    `${status} ${(JSON.parse(text) as { readonly Code: string }).Code}`

  test("the vector that the vendor's SDK for Go is tested with", () => {
    const headers = {
      host: 'test.tos.com:8080',
      date: '20210721T104454Z',
      'x-tos-date': '20210721T104454Z',
      'x-tos-content-sha256': EMPTY_SHA256,
    }
    const key = { secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', region: 'cn-north-1' }
    const signed = ['date', 'host', 'x-tos-date']
    expect(signatureOf({ method: 'GET', path: '/test.txt', query: [], headers }, { ...key, signed })).toBe(
      '8851df83fd33af6fb4a28addbe938d88139715dca85bbb43ee739c3eb58eddf2',
    )
  })

  test('a missing object is answered with the documented body, and every answer has a request id', async () => {
    const answer = await ask()
    expect(answer.status).toBe(404)
    const id = answer.headers.get('x-tos-request-id')
    expect(id).toMatch(/^request-/)
    expect(JSON.parse(answer.text)).toEqual({
      Code: 'NoSuchKey',
      Message: expect.any(String),
      RequestId: id,
      HostId: expect.any(String),
      EC: expect.any(String),
    })
  })

  test.each([
    ['an unknown key', { keyId: 'AKLTother' }, '403 InvalidAccessKeyId'],
    ['a wrong secret', { secret: 'other' }, '403 SignatureDoesNotMatch'],
    ['a clock that is 16 minutes off', { date: '20260102T032006Z' }, '403 RequestTimeTooSkewed'],
    ['a header of TOS that is not signed', { signed: ['host', 'x-tos-date'] }, '403 AccessDenied'],
    [
      'a token that the key does not have',
      { headers: { 'x-tos-security-token': 'stolen' } },
      '403 InvalidSecurityToken',
    ],
    ['a body that is not the signed one', { headers: { 'x-tos-content-sha256': 'ab' } }, '400 ContentSHA256Mismatch'],
  ] satisfies [string, Asking, string][])('%s is refused', async (_, asking, refusal) => {
    expect(codeOf(await ask(asking))).toBe(refusal)
  })

  test('a body that differs from its Content-MD5 is refused and not stored', async () => {
    const headers = { 'content-md5': createHash('md5').update('right').digest('base64') }
    expect(codeOf(await ask({ method: 'PUT', body: 'wrong', headers }))).toBe('400 BadDigest')
    expect(server.bucket.objects.size).toBe(0)
  })

  test('an object is read whole and in ranges, which are cut at its end', async () => {
    await ask({ method: 'PUT', path: '/a/b%3Ac', body: '123456789' })
    const whole = await ask({ path: '/a/b%3Ac' })
    expect(whole.text).toBe('123456789')
    expect(whole.headers.get('x-tos-hash-crc64ecma')).toBe('11051210869376104954')
    const part = await ask({ path: '/a/b%3Ac', headers: { range: 'bytes=3-99' } })
    expect([part.status, part.text, part.headers.get('content-range')]).toEqual([206, '456789', 'bytes 3-8/9'])
    expect(codeOf(await ask({ path: '/a/b%3Ac', headers: { range: 'bytes=9-10' } }))).toBe('416 InvalidRange')
  })

  test('both listings give the keys in byte order and go on where they ended', async () => {
    for (const key of ['b', 'a', 'B']) await ask({ method: 'PUT', path: `/${key}`, body: key })
    const keysOf = (text: string) =>
      (JSON.parse(text) as { readonly Contents: readonly { readonly Key: string }[] }).Contents.map(({ Key }) => Key)
    const first = await ask({ path: '/?max-keys=2' })
    expect(keysOf(first.text)).toEqual(['B', 'a'])
    expect(JSON.parse(first.text)).toMatchObject({ IsTruncated: true, NextMarker: 'a' })
    expect(keysOf((await ask({ path: '/?marker=a' })).text)).toEqual(['b'])
    const second = await ask({ path: '/?list-type=2&max-keys=1&start-after=B' })
    expect(JSON.parse(second.text)).toMatchObject({ KeyCount: 1, IsTruncated: true, NextContinuationToken: 'a' })
    expect(keysOf((await ask({ path: '/?continuation-token=a&list-type=2' })).text)).toEqual(['b'])
  })

  test('an upload in parts is listed until it is completed, and refuses parts that are wrong', async () => {
    const created = await ask({ method: 'POST', path: '/k?uploads' })
    const { UploadId } = JSON.parse(created.text) as { readonly UploadId: string }
    const at = `/k?uploadId=${encodeURIComponent(UploadId)}`
    const sent = async (number: number, body: string) => {
      const { headers } = await ask({ method: 'PUT', path: `${at}&partNumber=${number}`, body })
      return { PartNumber: number, ETag: headers.get('etag') }
    }
    const [one, two, small] = [await sent(1, '1234'), await sent(2, '56'), await sent(3, '789')]
    const complete = (...Parts: unknown[]) => ask({ method: 'POST', path: at, body: JSON.stringify({ Parts }) })
    expect(JSON.parse((await ask({ path: '/?uploads' })).text)).toMatchObject({ Uploads: [{ Key: 'k', UploadId }] })
    expect(JSON.parse((await ask({ path: at })).text)).toMatchObject({ Parts: [one, two, small] })
    expect(codeOf(await complete(two, one))).toBe('400 InvalidPartOrder')
    expect(codeOf(await complete(one, { ...two, ETag: one.ETag }))).toBe('400 InvalidPart')
    expect(codeOf(await complete(one, two, small))).toBe('400 EntityTooSmall')
    expect(codeOf(await ask({ method: 'PUT', path: `${at}&partNumber=10001`, body: 'x' }))).toBe('400 InvalidArgument')
    const done = await complete(one, two)
    expect(done.headers.get('etag')).toMatch(/^"[0-9a-f]{32}-2"$/)
    expect((await ask()).text).toBe('123456')
    expect(codeOf(await complete(one, two))).toBe('404 NoSuchUpload')
    expect(JSON.parse((await ask({ path: '/?uploads' })).text)).toMatchObject({ Uploads: [] })
  })

  test('a write can insist on absence or on an etag', async () => {
    const forbid = { 'x-tos-forbid-overwrite': 'true' }
    const put = (body: string, headers: Readonly<Record<string, string>>) => ask({ method: 'PUT', body, headers })
    const first = await put('one', forbid)
    expect(first.status).toBe(200)
    expect(codeOf(await put('two', forbid))).toBe('409 ObjectAlreadyExists')
    expect(codeOf(await put('two', { 'x-tos-if-match': '"other"' }))).toBe('412 PreconditionFailed')
    expect((await put('two', { 'if-match': first.headers.get('etag') ?? '' })).status).toBe(200)
    expect(codeOf(await ask({ headers: { 'if-match': '"other"' } }))).toBe('412 PreconditionFailed')
  })
})
