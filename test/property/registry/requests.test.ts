import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseContentRange } from '../../../lib/http/index.ts'
import { secretAuthenticator } from '../../../lib/identity/index.ts'
import { registryRoutes } from '../../../lib/registry/index.ts'
import { readByteranges } from '../../kit/byteranges.ts'
import { FUZZ_MS, fuzzRuns } from '../../kit/fuzz-runs.ts'
import { memoryListener, type RawAnswer, type RawRequest } from '../../kit/memory-listener.ts'
import { accepting } from '../../kit/secrets.ts'
import { anyRequest, blob, REPOSITORY, rangeText, seededStorage } from './registry-scene.ts'

/** Whatever a client sends to a registry, the answer is one that registry clients understand. */

const init = { ownNames: ['registry.test'], uploadSecret: 'secret of the test' }

/** Codes of the OCI spec and those of distribution; 500 and its code are nobody's fault but ours. */
const codes: Readonly<Record<number, readonly string[]>> = {
  400: [
    ...['NAME_INVALID', 'TAG_INVALID', 'DIGEST_INVALID', 'SIZE_INVALID', 'PAGINATION_NUMBER_INVALID'],
    ...['MANIFEST_INVALID', 'MANIFEST_BLOB_UNKNOWN', 'UNSUPPORTED'],
  ],
  401: ['UNAUTHORIZED'],
  403: ['DENIED'],
  404: ['NAME_UNKNOWN', 'BLOB_UNKNOWN', 'MANIFEST_UNKNOWN', 'BLOB_UPLOAD_UNKNOWN'],
  405: ['UNSUPPORTED'],
  413: ['SIZE_INVALID'],
  416: ['RANGE_INVALID'],
}

function judge({ method }: RawRequest, { status, headers, body }: RawAnswer): void {
  expect(headers).toMatchObject({
    'docker-distribution-api-version': 'registry/2.0',
    'x-content-type-options': 'nosniff',
    date: expect.stringContaining('GMT'),
  })
  expect(headers['content-encoding']).toBeUndefined()
  // Nobody is sent elsewhere.
  if (status >= 300 && status < 400) expect(status).toBe(304)
  if (status < 400 || status === 412) return
  expect(Object.keys(codes)).toContain(String(status))
  expect(headers['content-type']).toBe('application/json')
  if (status === 405) expect(headers['allow']).toBeDefined()
  if (status === 401) expect(headers['www-authenticate']).toMatch(/^(Basic|Bearer) realm="/)
  if (method === 'HEAD') {
    expect(Number(headers['content-length'])).toBeGreaterThan(0)
    return
  }
  const { errors } = JSON.parse(body.toString('utf8')) as { errors: { code: string; message: string }[] }
  expect(errors).toHaveLength(1)
  expect(codes[status]).toContain(errors[0]?.code)
  expect(errors[0]?.message).not.toBe('')
}

test(
  'any request is answered as the spec has it, and HEAD as GET',
  async () => {
    await fc.assert(
      fc.asyncProperty(anyRequest, async (request) => {
        const listener = memoryListener(registryRoutes(await seededStorage(), init))
        const answer = await listener.send(request)
        if (answer === undefined) return
        judge(request, answer)
        if (request.method !== 'GET' && request.method !== 'HEAD') return
        const headers = (request.headers ?? []).filter(([name]) => name !== 'range')
        const [head, get] = await Promise.all(
          ['HEAD', 'GET'].map((method) => listener.send({ ...request, method, headers })),
        )
        expect(head?.body.length).toBe(0)
        const same = ['content-length', 'content-type', 'docker-content-digest', 'etag', 'link', 'allow']
        const shown = (one: RawAnswer | undefined) => [one?.status, ...same.map((key) => one?.headers[key])]
        expect(shown(head)).toEqual(shown(get))
      }),
      fuzzRuns('requests', 1000),
    )
  },
  FUZZ_MS,
)

type Wanted = 'whole' | 'none' | 'too much' | readonly (readonly [start: number, end: number])[]

/** The plainest reading of a header with ranges: which bytes may be in the answer. */
function wanted(range: string, size: number): Wanted {
  const text = /^bytes\s*=(.*)$/i.exec(range)?.[1]
  const specs = text?.split(',').map((spec) => /^\s*(\d*)\s*-\s*(\d*)\s*$/.exec(spec)) ?? []
  if (specs.length === 0 || specs.some((spec) => spec === null || `${spec[1]}${spec[2]}` === '')) return 'whole'
  const parts = specs
    .map((spec) => {
      const [, first = '', last = ''] = spec ?? []
      const start = first === '' ? size - Math.min(size, Number(last)) : Number(first)
      return [start, first === '' || last === '' ? size : Math.min(size, Number(last) + 1)] as const
    })
    .filter(([start, end]) => start < end)
  if (parts.length === 0) return 'none'
  const sum = parts.reduce((bytes, [start, end]) => bytes + end - start, 0)
  return specs.length > 1 && sum > size ? 'too much' : parts
}

test(
  'any range of a blob gives just its bytes, the whole, or a 416 with the size; several give a part for each',
  async () => {
    const size = blob.bytes.length
    const listener = memoryListener(registryRoutes(await seededStorage(), init))
    const target = `/v2/${REPOSITORY}/blobs/${blob.digest}`
    await fc.assert(
      fc.asyncProperty(rangeText, async (range) => {
        const answer = await listener.send({ method: 'GET', target, headers: [['range', range]] })
        const want = wanted(range.trim(), size)
        const status = want === 'whole' ? 200 : want === 'none' ? 416 : want === 'too much' ? 400 : 206
        expect(answer?.status).toBe(status)
        if (want === 'whole') expect(answer?.body.equals(blob.bytes)).toBe(true)
        if (want === 'none') expect(answer?.headers['content-range']).toBe(`bytes */${size}`)
        if (typeof want === 'string' || answer === undefined) return
        const parts = range.includes(',')
          ? readByteranges(String(answer.headers['content-type']), answer.body)
          : [{ ...parseContentRange(String(answer.headers['content-range']))?.range, bytes: answer.body }]
        expect(parts.map(({ start, end, bytes }) => [start, end, bytes])).toEqual(
          want.map(([start, end]) => [start, end, blob.bytes.subarray(start, end)]),
        )
      }),
      fuzzRuns('ranges', 1000),
    )
  },
  FUZZ_MS,
)

const secrets = { read: 'the-secret-of-readers', push: 'the-secret-of-pushers' }
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`
const scheme = fc.constantFrom('Basic', 'Bearer', 'basic', 'BEARER', 'Digest', 'Negotiate', '', 'Basic Basic')
const near = fc
  .tuple(fc.constantFrom(...Object.values(secrets)), fc.nat(30), fc.string({ maxLength: 2 }))
  .map(([secret, at, put]) => secret.slice(0, at) + put + secret.slice(at + 1))
const login = fc.oneof(
  fc.tuple(scheme, fc.string({ unit: 'grapheme-ascii', maxLength: 200 })).map((parts) => parts.join(' ')),
  fc
    .tuple(scheme, fc.uint8Array({ maxLength: 60 }))
    .map(([name, bytes]) => `${name} ${Buffer.from(bytes).toString('base64')}`),
  near.map((secret) => basic(`user:${secret}`)),
  near.map((secret) => `Bearer ${secret}`),
  fc.constantFrom(...Object.values(secrets)).map((secret) => basic(`user:${secret}`)),
)

test(
  'no Authorization opens anything but a right secret, and none breaks the registry',
  async () => {
    const authenticate = secretAuthenticator({ secrets: accepting(secrets) })
    const listener = memoryListener(registryRoutes(await seededStorage(), init), { authenticate })
    const shows = (text: string, secret: string) => {
      const [name = '', value = ''] = text.trim().split(/ +/)
      const right: Readonly<Record<string, string>> = { basic: basic(`user:${secret}`).slice(6), bearer: secret }
      return right[name.toLowerCase()] === value
    }
    await fc.assert(
      fc.asyncProperty(login, async (text) => {
        const headers = [['authorization', text]] as const
        const [read, write] = await Promise.all([
          listener.send({ method: 'GET', target: `/v2/${REPOSITORY}/tags/list`, headers }),
          listener.send({ method: 'POST', target: `/v2/${REPOSITORY}/blobs/uploads/`, headers }),
        ])
        const [reads, writes] = [shows(text, secrets.read), shows(text, secrets.push)]
        expect([text, read?.status]).toEqual([text, reads || writes ? 200 : 401])
        expect([text, write?.status]).toEqual([text, writes ? 202 : reads ? 403 : 401])
      }),
      fuzzRuns('logins', 1000),
    )
  },
  FUZZ_MS,
)
