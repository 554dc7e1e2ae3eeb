import { buffer } from 'node:stream/consumers'
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals'
import {
  type Backend,
  type Backends,
  backendRulesSchema,
  openBackends,
  openUpstreams,
  openUrls,
  upstreamRulesSchema,
  urlRulesSchema,
  withUpstreams,
  withUrls,
} from '../../../lib/backend/index.ts'
import { lifecycle, type Startable, seededRandom, systemClock } from '../../../lib/base/index.ts'
import { digestOf, parseRepository, parseWebUrl, urlRepository } from '../../../lib/core/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { originLab } from '../../kit/origin-lab.ts'
import { type RangedObject, rangedServer } from '../../kit/ranged-server.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { readBlob } from '../../kit/store-fixture.ts'

const UNIT = 4 * 1024 * 1024
const content = cipherBytes('ranged', 2 * UNIT + 4321)
const other = cipherBytes('other', content.length)
const digest = digestOf(content)
const key = blobKey(digest)
const tail = { start: content.length - 700, end: content.length }
const middle = { start: UNIT, end: UNIT + 1000 }
const SECRET = 'secret of the host'
const login = { username: 'shoal', password: SECRET }

/** Opens the object of a server as the blob of some driver. */
type Opened = (server: { readonly url: string; readonly placeUrl: string }) => {
  readonly backends: Backends
  readonly backend: () => Backend
}

const runtime = { clock: systemClock(), random: seededRandom(5), logger: silentLogger(), metrics: silentMetrics() }
/** Failures are told at once, so that each is seen by one read. */
const limits = { attempts: 1 }
const none: Backends = { ...lifecycle([]), backendFor: () => Promise.reject(new Error('no other backend')) as never }

const byRule = (backend: object): ReturnType<Opened> => {
  const backends = openBackends(
    runtime,
    backendRulesSchema.parse([{ repository: '*', backend: { ...backend, limits } }]),
  )
  return { backends, backend: () => backends.backendFor(parseRepository('team/app')) }
}

const drivers: Readonly<Record<string, Opened>> = {
  http: ({ url }) => byRule({ driver: 'http', url: `${url}/files/{key}`, headers: { authorization: SECRET } }),
  registry: ({ url }) => byRule({ driver: 'registry', url, repository: '{repository}', mode: 'read-only', ...login }),
  upstream({ url }) {
    const host = new URL(url).host
    const rules = upstreamRulesSchema.parse([{ registry: host, plainHttp: true, ...login }])
    const backends = withUpstreams(runtime, none, openUpstreams(runtime, rules))
    return { backends, backend: () => backends.backendFor(parseRepository(`${host}/team/app`)) }
  },
  url({ url: base, placeUrl }) {
    const url = parseWebUrl(`${base}/file`)
    const rules = urlRulesSchema.parse([
      { host: '127.0.0.1', ports: [base, placeUrl].map((each) => Number(new URL(each).port)), inner: true, limits },
    ])
    const urls = openUrls(runtime, rules)
    const known = { url, digest, size: content.length, etag: '"version 1"' }
    const backends = withUrls({ ...runtime, urls, recordOf: () => Promise.resolve(known) }, none)
    const parts: readonly Startable[] = [urls, backends]
    return { backends: { ...backends, ...lifecycle(parts) }, backend: () => backends.backendFor(urlRepository(url)) }
  },
}

describe.each(Object.keys(drivers))('a blob behind the driver %s', (name) => {
  const isOpenedFirst = name === 'upstream'
  const all = resourceStack()
  let web: RangedObject
  let backend: Backend

  beforeEach(async () => {
    const server = all.own(await rangedServer(content))
    web = server.web
    const opened = drivers[name]!(server)
    await opened.backends.start()
    all.own({ [Symbol.asyncDispose]: () => opened.backends.stop() })
    backend = opened.backend()
  })
  afterAll(async () => all[Symbol.asyncDispose]())

  const begin = () => backend.stat(key, { thenRead: true })
  const read = async (range: { readonly start: number; readonly end: number }, orWhole = true) => {
    const object = await backend.read(key, { range, orWhole })
    if (object === undefined) throw new Error('there is no such object')
    return { ...object, bytes: await buffer(object.body) }
  }
  const isPart = (bytes: Buffer, { start, end }: typeof tail, of = content) => bytes.equals(of.subarray(start, end))

  test('is read in units, in any order, one request each', async () => {
    expect(await begin()).toMatchObject({ size: content.length, unitBytes: UNIT, runBytes: 4 * UNIT })
    const units = [
      { start: 2 * UNIT, end: content.length },
      { start: 0, end: UNIT },
      { start: UNIT, end: 2 * UNIT },
    ]
    for (const range of units) expect(isPart((await read(range)).bytes, range)).toBe(true)
    expect(web.reads.map(({ status }) => status)).toEqual([206, 206, 206])
  })

  test('from a server that ignores ranges comes whole, with one request, and that is remembered of the server', async () => {
    web.ignoresRanges = true
    const range = isOpenedFirst ? { start: 0, end: content.length } : tail
    expect((await begin())?.unitBytes === undefined).toBe(isOpenedFirst)
    const { bytes, isWhole } = await read(range)
    expect(bytes.equals(content)).toBe(true)
    expect(isWhole === true).toBe(!isOpenedFirst)
    expect(web.reads.map(({ status }) => status)).toEqual([200])
    const again = await begin()
    expect(again?.unitBytes).toBeUndefined()
    if (isOpenedFirst) expect(web.reads.at(-1)?.range).toBeUndefined()
    // Who does not say that he takes the whole gets the range.
    expect(isPart((await read(tail, false)).bytes, tail)).toBe(true)
  })

  test.each([
    ['and the server obeys conditions', false],
    ['and the server ignores conditions', true],
  ])('that another takes the place of meanwhile is never mixed with it, %s', async (_, ignoresConditions) => {
    web.ignoresConditions = ignoresConditions
    await begin()
    expect(isPart((await read(middle)).bytes, middle)).toBe(true)
    web.content = other
    for (let round = 0; round < 2; round += 1) {
      await expect(read(tail)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    }
    expect(web.reads.at(-1)).toMatchObject({ ifMatch: '"version 1"', status: ignoresConditions ? 206 : 412 })
    // What an upstream gave when it was asked for the size was the front of what was there then.
    if (isOpenedFirst) expect(isPart((await read({ start: 0, end: UNIT })).bytes, { start: 0, end: UNIT })).toBe(true)
    expect((await begin())?.unitBytes).toBeUndefined()
  })

  test('that became shorter meanwhile is a changed one, too', async () => {
    await begin()
    await read(middle)
    web.content = content.subarray(0, UNIT)
    await expect(read(tail)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  test('to which the server redirects is asked there, until that is over', async () => {
    web.redirects = true
    await begin()
    const before = web.reads.length
    const whom = () => web.reads.slice(before).map(({ at, status }) => `${at} ${status}`)
    await read(middle)
    await read(tail)
    expect(whom().at(-1)).toBe('place 206')
    expect(web.reads.filter(({ at }) => at === 'host')).toHaveLength(1)
    web.expire()
    expect(isPart((await read(middle)).bytes, middle)).toBe(true)
    expect(whom().slice(-3)).toEqual(['place 403', 'host 307', 'place 206'])
    expect(web.reads.filter(({ at, authorization }) => at === 'place' && authorization !== undefined)).toEqual([])
    const asHost = web.reads.filter(({ at }) => at === 'host').map(({ authorization }) => authorization)
    expect(asHost).toEqual([name === 'http' ? SECRET : undefined, name === 'http' ? SECRET : undefined])
  })

  test.each([
    [429, 'BACKEND_THROTTLED'],
    [503, 'BACKEND_UNAVAILABLE'],
  ])('whose unit is refused with %i fails with a code of its own, and may be asked for again', async (status, code) => {
    web.redirects = true
    await begin()
    await read(middle)
    // Of an upstream, a request has two tries.
    const refused = async () => {
      web.refuseNext(status, { 'retry-after': '0' })
      await read(tail)
    }
    if (name === 'upstream') await refused()
    else await expect(refused()).rejects.toMatchObject({ code })
    expect(isPart((await read(tail)).bytes, tail)).toBe(true)
  })

  test('is given from its end while nothing before it has come', async () => {
    web.hold(UNIT)
    const lab = originLab({ count: 1, replicas: 1, wrapBackend: () => backend })
    const [origin] = lab.origins
    await origin!.store.start()
    const blob = { digest, repository: parseRepository('team/app') }
    const whole = origin!.ingest.ensure(blob, { hop: false })
    const { read: readHere } = await origin!.ingest.open(blob, { hop: false })
    expect(isPart(await buffer(await readHere(tail, { standsAlone: true })), tail)).toBe(true)
    expect(origin!.received.backend).toBeLessThan(content.length - UNIT + 1)
    web.hold(0)
    await whole
    expect(Buffer.compare(await readBlob(origin!.store, digest), content)).toBe(0)
    expect(web.reads.map(({ status }) => status)).toEqual([206, 206, 206])
  })

  test.each([
    ['breaks off', (bytes: number) => web.cutNext(bytes)],
    ['ends too early, as its length says', (bytes: number) => web.shortenNext(bytes)],
  ])('whose body %s is no shorter blob', async (_, spoil) => {
    await begin()
    spoil(100)
    await expect(read(middle)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    expect(isPart((await read(middle)).bytes, middle)).toBe(true)
  })
})

describe.each(['registry', 'upstream'])('a registry behind the driver %s', (name) => {
  const all = resourceStack()
  afterAll(async () => all[Symbol.asyncDispose]())

  async function opened() {
    const server = all.own(await rangedServer(content))
    const { backends, backend } = drivers[name]!(server)
    await backends.start()
    all.own({ [Symbol.asyncDispose]: () => backends.stop() })
    await backend().stat(key, { thenRead: true })
    const read = async (range: typeof tail) => buffer((await backend().read(key, { range }))!.body)
    return { web: server.web, read }
  }

  test('shows our login to the host of a redirect neither the first time nor later', async () => {
    const { web, read } = await opened()
    Object.assign(web, { wantsLogin: true, redirects: true })
    await read(middle)
    await read(tail)
    const given = web.reads.filter(({ status }) => status < 400).slice(-3)
    expect(given.map(({ at, authorization }) => `${at} ${authorization?.slice(0, 5)}`)).toEqual([
      'host Basic',
      'place undefined',
      'place undefined',
    ])
  })

  test('that says that it sends other content is not read', async () => {
    const { web, read } = await opened()
    web.saysDigest = digestOf(other)
    await expect(read(middle)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    web.saysDigest = digest
    expect((await read(middle)).equals(content.subarray(middle.start, middle.end))).toBe(true)
  })
})

describe('an upstream that is asked for a size and then read', () => {
  const all = resourceStack()
  afterAll(async () => all[Symbol.asyncDispose]())

  test('is asked for the first unit once', async () => {
    const server = all.own(await rangedServer(content))
    const { backends, backend } = drivers['upstream']!(server)
    await backends.start()
    all.own({ [Symbol.asyncDispose]: () => backends.stop() })
    const found = await backend().stat(key, { thenRead: true })
    expect(found).toMatchObject({ unitBytes: UNIT })
    const first = await backend().read(key, { range: { start: 0, end: UNIT } })
    expect((await buffer(first!.body)).equals(content.subarray(0, UNIT))).toBe(true)
    expect(server.web.reads.map(({ range }) => range)).toEqual([`bytes=0-${UNIT - 1}`])
  })

  test.each([0, 1, UNIT])('has %i bytes in one read, and no units', async (size) => {
    const server = all.own(await rangedServer(content.subarray(0, size)))
    const { backends, backend } = drivers['upstream']!(server)
    await backends.start()
    all.own({ [Symbol.asyncDispose]: () => backends.stop() })
    const found = await backend().stat(key, { thenRead: true })
    expect(found).toEqual({ size, etag: digest })
    const whole = await backend().read(key)
    expect((await buffer(whole!.body)).length).toBe(size)
    expect(server.web.reads.filter(({ status }) => status < 300)).toHaveLength(1)
  })
})
