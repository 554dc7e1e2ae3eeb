import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { deferred } from '../../../lib/base/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import {
  answer,
  corrupt,
  endAfter,
  type Fault,
  hold,
  ignoreRange,
  loseAnswer,
  pauseAfter,
  reset,
  resetAfter,
  resetUploadAfter,
  shorten,
} from '../../kit/http-faults.ts'
import { type TosLab, tosLab, unpaced } from '../../kit/tos-lab.ts'
import { storedObject, tosFault } from '../../kit/tos-server/index.ts'

const MIB = 1024 * 1024
const BIG = cipherBytes('tos', 12 * MIB)
const SMALL = cipherBytes('tos', 100_000)

/** The backend answers with the checksum of other bytes. */
const otherSum: Fault = {
  name: 'other sum',
  apply: ({ res, go }) => {
    const writeHead = res.writeHead.bind(res) as (status: number, headers?: object) => typeof res
    res.writeHead = ((status: number, headers: object = {}) => {
      if (res.hasHeader('x-tos-hash-crc64ecma')) res.setHeader('x-tos-hash-crc64ecma', '1')
      return writeHead(
        status,
        'x-tos-hash-crc64ecma' in headers ? { ...headers, 'x-tos-hash-crc64ecma': '1' } : headers,
      )
    }) as typeof res.writeHead
    go()
  },
}

/** The first byte that the client sends is changed on the way. */
const corruptUpload: Fault = {
  name: 'corrupt upload',
  apply({ req, go }) {
    const push = req.push.bind(req)
    let isFirst = true
    req.push = (chunk: Buffer | null) => {
      if (isFirst && chunk !== null) chunk[0] = ~(chunk[0] ?? 0)
      isFirst = false
      return push(chunk)
    }
    go()
  },
}

const unavailable = { code: 'BACKEND_UNAVAILABLE' }
const isComplete = (req: IncomingMessage) => req.method === 'POST' && req.url?.includes('uploadId') === true

describe('TOS that fails', () => {
  let lab: TosLab

  beforeEach(async () => {
    lab = await tosLab({ config: { parts: { size: '5MiB' }, connections: 3 } })
    const { bucket } = lab.server
    for (const [key, bytes] of [
      ['small', SMALL],
      ['big', BIG],
    ] as const) {
      bucket.put(key, storedObject(bytes, 0), { forbidOverwrite: false, ifMatch: undefined })
    }
  })
  afterEach(async () => {
    await lab[Symbol.asyncDispose]()
  })

  const next = (method: string, fault: Fault, times = 1) => lab.server.faults.next({ method, times }, fault)
  const get = async (key: string, range?: { readonly start: number; readonly end: number }) => {
    const found = await lab.api.objects.get(key, range === undefined ? {} : { range })
    return buffer(found!.body)
  }
  const noneOpen = () => eventually(() => expect(lab.server.connections).toBe(0))

  describe('refusals', () => {
    test.each(['ExceedAccountQPSLimit', 'ExceedAccountRateLimit', 'ExceedBucketQPSLimit', 'ExceedBucketRateLimit'])(
      '%s asks to slow down, also of a read, and says for how long',
      async (reason) => {
        next('GET', tosFault(429, reason, { 'retry-after': '7' }))
        await expect(get('small')).rejects.toMatchObject({
          code: 'BACKEND_THROTTLED',
          detail: { status: 429, reason, retryAfterMs: 7000, requestId: `ordered-${reason}` },
        })
      },
    )

    test.each([
      [503, 'SlowDown', 'BACKEND_THROTTLED'],
      [503, 'ServiceUnavailable', 'BACKEND_THROTTLED'],
      [500, 'InternalError', 'BACKEND_UNAVAILABLE'],
      [403, 'AccessDenied', 'BACKEND_DENIED'],
      [400, 'BadDigest', 'BACKEND_UNAVAILABLE'],
      [409, 'ObjectAlreadyExists', 'BACKEND_PRECONDITION_FAILED'],
      [412, 'PreconditionFailed', 'BACKEND_PRECONDITION_FAILED'],
    ])('%i %s is %s', async (status, reason, code) => {
      next('PUT', tosFault(status, reason))
      const refused = lab.api.objects.put('k', SMALL, unpaced)
      await expect(refused).rejects.toMatchObject({ code, detail: { status, reason } })
    })

    test('an error page of a proxy in between is no answer of TOS', async () => {
      next('GET', answer(502, { 'content-type': 'text/html' }, '<html>Bad Gateway</html>'))
      await expect(get('small')).rejects.toMatchObject({ ...unavailable, detail: { status: 502 } })
    })

    test('a page of a portal in place of an answer is refused', async () => {
      lab.server.faults.next({ times: 5 }, answer(200, { 'content-type': 'text/html' }, '<html>Please log in</html>'))
      const { objects, multipart } = lab.api
      const refusal = { ...unavailable, message: expect.stringMatching(/no TOS/) }
      await expect(get('small')).rejects.toMatchObject(refusal)
      await expect(objects.head('small', {})).rejects.toMatchObject(refusal)
      await expect(objects.put('k', SMALL, unpaced)).rejects.toMatchObject(refusal)
      await expect(objects.list('', { limit: 5 })).rejects.toMatchObject(refusal)
      await expect(multipart.create('k', {})).rejects.toMatchObject(refusal)
    })

    test('a redirect is not followed, so that no other host gets a signature', async () => {
      next('GET', answer(307, { location: 'http://127.0.0.1:1/elsewhere' }))
      await expect(get('small')).rejects.toMatchObject({ ...unavailable, detail: { status: 307 } })
    })

    test('a missing bucket is an outage that says so, never a missing object', async () => {
      await using other = await tosLab({ config: { bucket: 'not-there' } })
      const refusal = { ...unavailable, message: expect.stringMatching(/no such bucket/) }
      await expect(other.api.objects.head('k', {})).rejects.toMatchObject(refusal)
      await expect(other.api.objects.get('k', {})).rejects.toMatchObject(refusal)
      await expect(other.api.objects.list('', { limit: 1 })).rejects.toMatchObject(refusal)
      await expect(other.api.objects.put('k', SMALL, unpaced)).rejects.toMatchObject(refusal)
      await expect(other.api.objects.delete('k', {})).rejects.toMatchObject(refusal)
    })

    test('the bucket is looked for once, at the first object that is missing', async () => {
      for (let turn = 0; turn < 3; turn += 1) expect(await lab.api.objects.head('none', {})).toBeUndefined()
      const looks = lab.server.faults.requests.filter(({ url }) => new URL(url, 'http://host').pathname.endsWith('/'))
      expect(looks).toHaveLength(1)
    })
  })

  describe('reads', () => {
    test.each([
      ['reset in the middle', resetAfter(40_000)],
      ['closed in the middle', endAfter(40_000)],
      ['reset before an answer', reset()],
      ['cut, with no length said', shorten(40_000)],
    ])('an answer that is %s fails, and is never a shorter object', async (_, fault) => {
      next('GET', fault)
      await expect(get('small')).rejects.toMatchObject(unavailable)
      next('GET', fault)
      await expect(get('small', { start: 0, end: 90_000 })).rejects.toMatchObject(unavailable)
    })

    test.each([[undefined], [{ start: 0, end: SMALL.length }], [{ start: 0, end: 5 * MIB }]])(
      'a wrong byte of the whole object (%j) is found by its sum',
      async (range) => {
        next('GET', corrupt(77_777))
        await expect(get('small', range)).rejects.toMatchObject({
          ...unavailable,
          message: expect.stringMatching(/checksum/),
        })
        expect((await get('small', range)).equals(SMALL)).toBe(true)
      },
    )

    test('bytes other than those asked for are refused', async () => {
      next('GET', ignoreRange())
      const read = get('small', { start: 10, end: 20 })
      await expect(read).rejects.toMatchObject({ ...unavailable, message: expect.stringMatching(/ignores ranges/) })
    })

    test('a wrong byte of a larger object fails its end', async () => {
      next('GET', corrupt(7 * MIB))
      await expect(get('big')).rejects.toMatchObject({ ...unavailable, message: expect.stringMatching(/checksum/) })
    })

    test('a small object that came wrong is read again before anybody sees it, through the driver', async () => {
      next('GET', corrupt(77_777))
      next('GET', endAfter(77_777))
      const found = await lab.open().read('small')
      expect((await buffer(found!.body)).equals(SMALL)).toBe(true)
    })

    test('a body that breaks off is read on from there, through the driver', async () => {
      next('GET', resetAfter(3 * MIB))
      next('GET', endAfter(MIB))
      const found = await lab.open().read('big')
      expect((await buffer(found!.body)).equals(BIG)).toBe(true)
    })
  })

  describe('writes', () => {
    test('bytes that change on their way are refused by the backend before they can be read', async () => {
      next('PUT', corruptUpload)
      const write = lab.api.objects.put('k', SMALL, unpaced)
      await expect(write).rejects.toMatchObject({ ...unavailable, detail: { status: 400, reason: 'BadDigest' } })
      expect(await lab.api.objects.head('k', {})).toBeUndefined()
    })

    test('a part that arrives as another one is found by its sum', async () => {
      const uploadId = await lab.api.multipart.create('k', {})
      next('PUT', corruptUpload)
      const part = lab.api.multipart.part('k', SMALL, { uploadId, number: 1, ...unpaced })
      await expect(part).rejects.toMatchObject({ ...unavailable, message: expect.stringMatching(/checksum/) })
    })

    test('a backend that keeps other bytes than were sent is found out by its sums', async () => {
      next('PUT', otherSum)
      const wrong = { ...unavailable, message: expect.stringMatching(/checksum/) }
      await expect(lab.api.objects.put('k', SMALL, unpaced)).rejects.toMatchObject(wrong)
      const uploadId = await lab.api.multipart.create('k', {})
      const parts = [
        await lab.api.multipart.part('k', BIG.subarray(0, 6 * MIB), { uploadId, number: 1, ...unpaced }),
        await lab.api.multipart.part('k', BIG.subarray(6 * MIB), { uploadId, number: 2, ...unpaced }),
      ]
      lab.server.faults.next({ where: isComplete }, otherSum)
      await expect(lab.api.multipart.complete('k', parts, { uploadId, size: BIG.length })).rejects.toMatchObject(wrong)
    })

    test('an upload whose last answer was lost is found to be complete, by size and sum', async () => {
      const { multipart, objects } = lab.api
      const uploadId = await multipart.create('k', {})
      const parts = [
        await multipart.part('k', BIG.subarray(0, 6 * MIB), { uploadId, number: 1, ...unpaced }),
        await multipart.part('k', BIG.subarray(6 * MIB), { uploadId, number: 2, ...unpaced }),
      ]
      lab.server.faults.next({ where: isComplete }, loseAnswer())
      await expect(multipart.complete('k', parts, { uploadId, size: BIG.length })).rejects.toMatchObject(unavailable)
      expect(await multipart.complete('k', parts, { uploadId, size: BIG.length })).toEqual(await objects.head('k', {}))
      await objects.put('k', BIG.subarray(1), unpaced)
      await expect(multipart.complete('k', parts, { uploadId, size: BIG.length })).rejects.toMatchObject({
        ...unavailable,
        detail: { reason: 'NoSuchUpload' },
      })
    })

    test('connections that break in the middle of parts cost one more try each', async () => {
      next('PUT', resetUploadAfter(MIB), 2)
      next('POST', loseAnswer())
      await lab.open().write('k', BIG, { size: BIG.length })
      expect((await get('k')).equals(BIG)).toBe(true)
    })

    test('an outage ends in BACKEND_UNAVAILABLE, and is over when the backend is back', async () => {
      await lab.server.kill()
      const backend = lab.open()
      await expect(backend.stat('small')).rejects.toMatchObject({ ...unavailable, detail: { reason: 'ECONNREFUSED' } })
      await expect(backend.write('k', SMALL, { size: SMALL.length })).rejects.toMatchObject(unavailable)
      await lab.server.revive()
      expect(await backend.stat('small')).toMatchObject({ size: SMALL.length })
    })
  })

  describe('connections', () => {
    test.each([
      ['head', (signal: AbortSignal) => lab.api.objects.head('small', { signal })],
      ['get', (signal: AbortSignal) => lab.api.objects.get('small', { signal })],
      ['put', (signal: AbortSignal) => lab.api.objects.put('k', Buffer.from('x'), { signal, ...unpaced })],
      ['delete', (signal: AbortSignal) => lab.api.objects.delete('small', { signal })],
      ['list', (signal: AbortSignal) => lab.api.objects.list('', { limit: 9, signal })],
      ['create', (signal: AbortSignal) => lab.api.multipart.create('k', { signal })],
    ])('an aborted %s ends at once and closes its connection', async (_, work) => {
      const waits = deferred()
      const controller = new AbortController()
      const order = lab.server.faults.next({}, hold(waits.promise))
      const working = work(controller.signal)
      await order.reached
      controller.abort()
      await expect(working).rejects.toMatchObject({ code: 'ABORTED' })
      await noneOpen()
      waits.resolve()
    })

    test('an aborted or destroyed body closes its connection', async () => {
      const waits = deferred()
      next('GET', pauseAfter(10_000, waits.promise), 2)
      const controller = new AbortController()
      const aborted = await lab.api.objects.get('big', { signal: controller.signal })
      const left = await lab.api.objects.get('big', {})
      await Promise.all([aborted, left].map((found) => new Promise((resolve) => found!.body.once('readable', resolve))))
      expect(lab.server.connections).toBe(2)
      controller.abort()
      await expect(buffer(aborted!.body)).rejects.toMatchObject({ code: 'ABORTED' })
      left!.body.destroy()
      await noneOpen()
      waits.resolve()
    })

    test('an answer that is refused unread closes its connection', async () => {
      next('GET', ignoreRange())
      await expect(get('big', { start: 10, end: 20 })).rejects.toMatchObject(unavailable)
      await noneOpen()
    })

    test('errors and whole answers leave theirs to the next request', async () => {
      const ports = new Set<number>()
      const accepted = new Set<string | undefined>()
      const note = (req: IncomingMessage) => {
        ports.add(req.socket.remotePort ?? 0)
        accepted.add(req.headers['accept-encoding']?.toString())
        return false
      }
      lab.server.faults.next({ where: note }, reset())
      for (let turn = 0; turn < 5; turn += 1) {
        expect(await lab.api.objects.get('none', {})).toBeUndefined()
        await get('small')
      }
      // Our client rests a connection for one turn of the event loop, so that two may take turns.
      expect(ports.size).toBeLessThanOrEqual(2)
      expect([...accepted]).toEqual(['identity'])
    })

    test('no more are opened than the config allows; further requests wait', async () => {
      const waits = deferred()
      next('HEAD', hold(waits.promise), 8)
      const heads = Array.from({ length: 8 }, () => lab.api.objects.head('small', {}))
      await eventually(() => expect(lab.server.faults.count('hold')).toBe(3))
      expect(lab.server.connections).toBe(3)
      waits.resolve()
      expect(await Promise.all(heads)).toHaveLength(8)
    })
  })
})
