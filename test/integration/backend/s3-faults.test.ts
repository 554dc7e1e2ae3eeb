import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Backend, defaultBackendLimits, governor } from '../../../lib/backend/index.ts'
import { s3Schema } from '../../../lib/backend/s3/config.ts'
import { s3Backend } from '../../../lib/backend/s3/s3-backend.ts'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { recordingLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import {
  answer,
  endAfter,
  errorXml,
  hold,
  ignoreRange,
  loseAnswer,
  reset,
  resetAfter,
  resetUploadAfter,
  shorten,
  tooManyRequests,
} from '../../kit/http-faults.ts'
import { type S3Server, type S3ServerOptions, startS3Server } from '../../kit/s3-server/index.ts'

const MIB = 1024 * 1024
const PART = 5 * MIB
const bytes = cipherBytes('s3-faults', 2 * PART + 4321)
const small = Buffer.from('small')
const logger = recordingLogger()

let server: S3Server
let backend: Backend
const open: Backend[] = []

async function opened(on: S3Server, own: Record<string, unknown> = {}, limits = {}): Promise<Backend> {
  const { bucket, endpoint, keys } = on
  const config = s3Schema.parse({
    ...{ driver: 's3', bucket, endpoint, pathStyle: true, credentials: keys, parts: { size: PART, parallel: 3 } },
    ...own,
  })
  const components = { clock: systemClock(), random: seededRandom(3), logger }
  const governed = governor({ ...components, metrics: silentMetrics() }, { ...defaultBackendLimits, ...limits })
  const made = s3Backend({ ...components, governor: governed }, config)
  open.push(made)
  await made.start()
  return made
}

async function restarted(options: S3ServerOptions = {}): Promise<void> {
  server = await startS3Server(options)
  backend = await opened(server)
}

beforeEach(() => restarted())
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop()
  await server[Symbol.asyncDispose]()
})

const write = (content: Uint8Array = bytes, on = backend) => on.write('k', content, { size: content.length })
const read = async (on = backend) => {
  const found = await on.read('k')
  return found && (await buffer(found.body))
}

describe('a read whose answers', () => {
  test.each([
    ['are reset in the middle', resetAfter(MIB)],
    ['end early', endAfter(2 * MIB)],
    ['are framed as shorter than they are', shorten(MIB)],
    ['never come', reset()],
    ['are 500', errorXml(500, 'InternalError')],
    ['ask to slow down', errorXml(503, 'SlowDown')],
    ['are 429', tooManyRequests(0)],
  ])('%s is the object all the same', async (_, fault) => {
    await write()
    const ordered = server.faults.next({ method: 'GET', times: 2 }, fault)
    expect((await read())?.equals(bytes)).toBe(true)
    expect(ordered.met).toBe(2)
  })

  test('break off asks for what is missing, and for each part only once more', async () => {
    await write()
    server.faults.next({ method: 'GET' }, endAfter(2 * MIB))
    expect((await read())?.equals(bytes)).toBe(true)
    const ranges = server.served.filter(({ operation }) => operation === 'GetObject').map(({ range }) => range)
    expect(ranges).toHaveLength(4)
    const again = ranges.map((range) => Number(/=(\d+)-/.exec(range ?? '')?.[1])).find((start) => start % PART !== 0)
    expect(again).toBeGreaterThan(0)
    expect(again).toBeLessThanOrEqual(2 * MIB)
  })

  test('ignore the range is refused where it would be wrong', async () => {
    await write()
    server.faults.next(
      { method: 'GET', where: ({ headers }) => headers.range?.startsWith(`bytes=${PART}-`) === true, times: 9 },
      ignoreRange(),
    )
    const slow = await opened(server, {}, { attempts: 1 })
    await expect(read(slow)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  test('do not begin in time is an outage after the last try', async () => {
    const impatient = await opened(server, {}, { attempts: 1, answer: 50 })
    server.faults.next({ times: 9 }, hold(new Promise(() => undefined)))
    await expect(impatient.stat('k')).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })
})

describe('a write', () => {
  test.each([
    ['whose part is reset on its way', resetUploadAfter(MIB), /partNumber=2/],
    ['whose part is answered with 500', errorXml(500, 'InternalError'), /partNumber=2/],
    ['whose part is asked to slow down', errorXml(503, 'SlowDown'), /partNumber=1/],
    ['whose part is stored but not answered', loseAnswer(), /partNumber=1/],
    ['whose completion is done but not answered', loseAnswer(), /k\?uploadId=/],
    [
      'whose completion fails behind a status of 200',
      answer(200, {}, '<Error><Code>InternalError</Code></Error>'),
      /k\?uploadId=/,
    ],
  ])('%s is complete in the end', async (_, fault, path) => {
    const ordered = server.faults.next({ path, where: ({ method }) => method !== 'DELETE' }, fault)
    await write()
    expect(ordered.met).toBe(1)
    expect(Buffer.from(server.object('k') ?? []).equals(bytes)).toBe(true)
    expect(server.openUploads()).toEqual([])
  })

  test('that is refused in its middle leaves no upload', async () => {
    server.faults.next({ path: /partNumber=3/ }, errorXml(403, 'AccessDenied'))
    await expect(write()).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
    expect(server.openUploads()).toEqual([])
    expect(server.object('k')).toBeUndefined()
  })
})

describe('what the backend refuses', () => {
  test('a HEAD has no body that says why, so a GET is asked: the token has expired', async () => {
    const backend = await opened(server, {}, { attempts: 1 })
    const head = server.faults.next({ method: 'HEAD', path: /\/k$/ }, answer(400))
    server.faults.next({ method: 'GET', path: /\/k\?/ }, errorXml(400, 'ExpiredToken'))
    await expect(backend.stat('k')).rejects.toMatchObject({
      code: 'BACKEND_DENIED',
      detail: { status: 400, reason: 'ExpiredToken' },
    })
    expect(head.met).toBe(1)
  })

  const refusal = async (own: Record<string, unknown>) => {
    const wrong = await opened(server, own, { attempts: 1 })
    return write(small, wrong).then(
      () => undefined,
      (err: unknown) => err,
    )
  }

  test.each([
    [
      'an unknown access key',
      'BACKEND_DENIED',
      /does not know the access key/,
      { credentials: { accessKeyId: 'NOBODY', secretAccessKey: 'x' } },
    ],
    ['a wrong region', 'BACKEND_DENIED', /another region/, { region: 'eu-west-9' }],
    ['a missing bucket', 'BACKEND_UNAVAILABLE', /no such bucket/, { bucket: 'nowhere' }],
  ])('%s is named', async (_, code, message, own) => {
    expect(await refusal(own)).toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('a wrong secret is named, and stands in no error', async () => {
    const secretAccessKey = 'the-wrong-secret'
    const credentials = { accessKeyId: server.keys.accessKeyId, secretAccessKey, sessionToken: 'the-session-token' }
    const err = await refusal({ credentials })
    expect(err).toMatchObject({ code: 'BACKEND_DENIED', message: expect.stringMatching(/signature wrong/) })
    logger.error('failed', { err })
    const text = inspect([err, logger.lines], { depth: 12 })
    expect(text).not.toMatch(/the-wrong-secret|the-session-token/)
  })

  test('a missing bucket is an outage for stat too, never an absence', async () => {
    const wrong = await opened(server, { bucket: 'nowhere' }, { attempts: 1 })
    await expect(wrong.stat('k')).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringMatching(/no such bucket/),
    })
  })
})

test('a clock that is an hour off is corrected by the first refusal', async () => {
  await server[Symbol.asyncDispose]()
  await restarted({ nowMs: () => Date.now() + 3_600_000 })
  await write(small)
  expect((await read())?.equals(small)).toBe(true)
})

test('bytes go with their CRC32, or with their MD5 where the backend knows no other', async () => {
  const sums: unknown[] = []
  const note = ({ headers }: IncomingMessage) => {
    sums.push([headers['x-amz-checksum-crc32'] !== undefined, headers['content-md5'] !== undefined])
    return false
  }
  server.faults.next({ method: 'PUT', where: note }, reset())
  await write(small)
  await write(small, await opened(server, { checksums: 'required' }))
  expect(sums).toEqual([
    [true, false],
    [false, true],
  ])
})
