import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import type { UrlRecord } from '../../../../lib/api/index.ts'
import type { UrlFacts } from '../../../../lib/backend/index.ts'
import { memoryBackend } from '../../../../lib/backend/index.ts'
import { appError, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { type ByteRange, digestOf, parseWebUrl, urlRepository, wholeRange } from '../../../../lib/core/index.ts'
import { memoryStore } from '../../../../lib/store/index.ts'
import { recordingMetrics, silentLogger } from '../../../../lib/telemetry/index.ts'
import { urlRecords } from '../../../../services/origin/urls/records.ts'
import { broughtUrls } from '../../../../services/origin/urls/urls.ts'
import { cipherBytes } from '../../../kit/cipher-bytes.ts'
import { eventually } from '../../../kit/eventually.ts'

const url = parseWebUrl('https://models.example/a?b=c#d')
const signal = new AbortController().signal

/** A web server with one file, and an origin's books about it. */
async function lab(init: { max?: number } = {}) {
  const clock = fakeClock()
  const store = memoryStore({ clock, random: seededRandom(1), logger: silentLogger() }, { capacityBytes: 1e9 })
  await store.start()
  const web = {
    bytes: cipherBytes('one', 300_000),
    asked: 0,
    /** Offsets at which the next bodies break off. */
    cuts: [] as number[],
    down: false,
  }
  const factsOf = (): UrlFacts => ({ size: web.bytes.length, etag: `"${digestOf(web.bytes).slice(7, 17)}"` })
  const bodyOf = ({ start, end }: ByteRange) => {
    const cut = web.cuts.shift()
    const whole = web.bytes.subarray(start, cut ?? end)
    const send = function* () {
      for (let at = 0; at < whole.length; at += 10_000) yield whole.subarray(at, at + 10_000)
      if (cut !== undefined) throw appError('BACKEND_UNAVAILABLE')
    }
    return Readable.from(send(), { objectMode: false })
  }
  const urls = {
    names: (named: string) => named.startsWith('https://models.example/'),
    async open(_url: string, { known }: { known: UrlFacts | undefined }) {
      web.asked += 1
      if (web.down) throw appError('BACKEND_UNAVAILABLE')
      const facts = factsOf()
      return known?.etag === facts.etag ? undefined : { facts, body: bodyOf(wholeRange(facts.size)) }
    },
    async read(_url: string, range: ByteRange, { known }: { known: UrlFacts }) {
      if (known.etag !== factsOf().etag) throw appError('URL_CHANGED')
      return { body: bodyOf(range) }
    },
  }
  const records = urlRecords({ backend: memoryBackend(), clock, logger: silentLogger() })
  const metrics = recordingMetrics()
  const brought = broughtUrls(
    {
      ...{ urls, records, store, metrics, logger: silentLogger(), random: seededRandom(2) },
      clock: {
        ...clock,
        now: () => clock.now(),
        monotonicMs: () => clock.monotonicMs(),
        sleep: () => Promise.resolve(),
      },
      quota: {
        open: (_client, create) => create(),
        limited: (_id, source) => source,
        assertPossible: () => undefined,
      },
      names: { labelOf: () => Buffer.from('label') },
      onStored: () => undefined,
      onReceived: () => undefined,
    },
    { freshMs: 60_000, outageMs: 3_600_000, max: init.max ?? 16 },
  )
  const known = () =>
    eventually(async () => {
      const answer = await brought.ask(url, { signal })
      if (answer.digest === undefined) throw new Error('still coming')
      return answer.digest
    })
  const content = async (digest: string) => buffer(await store.open(digest as UrlRecord['digest']))
  return { clock, web, brought, records, store, known, content }
}

test('the web server is asked again after the time, and only then', async () => {
  const { web, brought, known, clock, content } = await lab()
  expect(await brought.ask(url, { signal })).toMatchObject({ size: 300_000 })
  const digest = await known()
  expect(digest).toBe(digestOf(web.bytes))
  expect((await content(digest)).equals(web.bytes)).toBe(true)
  expect(web.asked).toBe(1)
  await clock.advance(59_000)
  expect([await known(), web.asked]).toEqual([digest, 1])
  await clock.advance(2_000)
  expect([await known(), await known(), web.asked]).toEqual([digest, digest, 2])

  web.bytes = cipherBytes('two', 200_000)
  expect(await known()).toBe(digest)
  await clock.advance(60_000)
  expect(await brought.ask(url, { signal })).toEqual({ size: 200_000, etag: expect.any(String) })
  expect(await known()).toBe(digestOf(web.bytes))
})

test('while the web server is out, what it said counts for a while; without that, the failure is told and remembered', async () => {
  const { web, brought, known, clock } = await lab()
  const digest = await known()
  web.down = true
  await clock.advance(3_599_000)
  expect(await known()).toBe(digest)
  await clock.advance(2_000)
  await expect(brought.ask(url, { signal })).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  const { asked } = web
  await expect(brought.ask(url, { signal })).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  expect(web.asked).toBe(asked)
  web.down = false
  await clock.advance(5_000)
  expect(await known()).toBe(digest)
})

test('what breaks off is gone on with, and what has changed meanwhile is no blob', async () => {
  const { web, brought, known, content, store } = await lab()
  web.cuts = [100_000, 100_000, 250_000]
  await brought.ask(url, { signal })
  const whole = buffer(brought.coming(url).read(wholeRange(300_000), { signal }))
  const part = await buffer(brought.coming(url).read({ start: 150_000, end: 150_010 }, { signal }))
  expect(part.equals(web.bytes.subarray(150_000, 150_010))).toBe(true)
  expect((await whole).equals(web.bytes)).toBe(true)
  expect((await content(await known())).equals(web.bytes)).toBe(true)

  const other = parseWebUrl('https://models.example/other')
  web.cuts = [100_000]
  await brought.ask(other, { signal })
  const reading = buffer(brought.coming(other).read(wholeRange(300_000), { signal }))
  web.bytes = cipherBytes('changed', 300_000)
  await expect(reading).rejects.toMatchObject({ code: 'URL_CHANGED' })
  expect(() => brought.coming(other)).toThrow(expect.objectContaining({ code: 'URL_CHANGED' }))
  expect((await store.list()).length).toBe(1)
  expect(store.openUploads()).toEqual([])
})

test('only what a rule names is asked for, and only so many at a time', async () => {
  const { brought, web } = await lab({ max: 0 })
  await expect(brought.ask(parseWebUrl('https://other.example/'), { signal })).rejects.toMatchObject({
    code: 'URL_NOT_NAMED',
  })
  expect(web.asked).toBe(0)
  await expect(brought.ask(url, { signal })).rejects.toMatchObject({ code: 'LISTENER_BUSY' })
})

test('a record that cannot be understood counts as none', async () => {
  const backend = memoryBackend()
  const { name } = urlRepository(url)
  const books = () => urlRecords({ backend, clock: fakeClock(), logger: silentLogger() })
  const record = { url, digest: digestOf(Buffer.from('x')), provenAtMs: 5, size: 1, etag: '"a"' }
  await books().put(record, { signal })
  expect(await books().get(name, { signal })).toEqual(record)
  for (const text of ['{', '{}', JSON.stringify({ ...record, url: 'https://models.example/b' }), 'x'.repeat(20_000)]) {
    await backend.write(`urls/${name.slice(0, 2)}/${name}.json`, Buffer.from(text), { size: text.length })
    expect(await books().get(name, { signal })).toBeUndefined()
  }
})

test.each(['ftp://a.example/', 'https://user@a.example/', 'nothing', `https://a.example/${'x'.repeat(2048)}`])(
  'no URL that may be a blob: %s',
  (text) => {
    expect(() => parseWebUrl(text)).toThrow(expect.objectContaining({ code: 'URL_INVALID' }))
  },
)
