import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { memoryBackend, openUrls, tagOfUrl, urlRulesSchema, withUrls } from '../../../../lib/backend/index.ts'
import { lifecycle, seededRandom, systemClock } from '../../../../lib/base/index.ts'
import { digestHex, digestOf, parseWebUrl, urlRepository } from '../../../../lib/core/index.ts'
import { recordingMetrics, silentLogger } from '../../../../lib/telemetry/index.ts'
import { cipherBytes } from '../../../kit/cipher-bytes.ts'
import { buildResource } from '../../../kit/resource-stack.ts'
import { scriptedServer } from '../../../kit/scripted-server.ts'

const tagOf = (bytes: Uint8Array) => `"${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}"`

/** A web server that has 304 for who has its content, and the web as a rule names it. */
function lab() {
  return buildResource(async (stack) => {
    const web = { bytes: cipherBytes('one', 100_000) }
    const server = stack.own(
      await scriptedServer(({ headers }, res) => {
        const etag = tagOf(web.bytes)
        if (headers['if-none-match'] === etag) return void res.writeHead(304, { etag }).end()
        const [, first = '0', last = String(web.bytes.length - 1)] =
          /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
        const body = web.bytes.subarray(Number(first), Number(last) + 1)
        const part = { 'content-range': `bytes ${first}-${last}/${web.bytes.length}` }
        res
          .writeHead(headers.range === undefined ? 200 : 206, { etag, 'content-length': body.length, ...part })
          .end(body)
      }),
    )
    const components = {
      ...{ clock: systemClock(), random: seededRandom(1), metrics: recordingMetrics(), logger: silentLogger() },
    }
    const port = Number(new URL(server.url).port)
    const rules = urlRulesSchema.parse([{ host: '127.0.0.1', ports: [port], inner: true, limits: { attempts: 1 } }])
    const urls = openUrls(components, rules)
    await urls.start()
    stack.own({ [Symbol.asyncDispose]: () => urls.stop() })
    return { web, server, urls, components, url: parseWebUrl(`${server.url}/a`) }
  })
}

test('a 304 says that the content is still what is known, and any other answer is looked at', async () => {
  await using web = await lab()
  const { urls, url, server } = web
  const first = await urls.open(url, { known: undefined })
  expect(first && (await buffer(first.body)).equals(web.web.bytes)).toBe(true)
  expect(server.requests.at(-1)?.headers['if-none-match']).toBeUndefined()
  // Only a 304 ends so: the condition was sent, and nothing of the content came.
  await expect(urls.open(url, { known: first?.facts })).resolves.toBeUndefined()
  expect(server.requests.at(-1)?.headers['if-none-match']).toBe(first?.facts.etag)
  web.web.bytes = cipherBytes('two', 100_000)
  const second = await urls.open(url, { known: first?.facts })
  expect(second?.facts).toMatchObject({ size: 100_000, etag: tagOf(web.web.bytes) })
  expect(second && (await buffer(second.body)).equals(web.web.bytes)).toBe(true)
})

test('a blob of a URL that no origin has any more is read from the web again, by its digest, and never other content', async () => {
  await using web = await lab()
  const { urls, url, components } = web
  const { bytes } = web.web
  const repository = urlRepository(url)
  const known = { url, digest: digestOf(bytes), size: bytes.length, etag: tagOf(bytes) }
  const recordOf = (name: string) => Promise.resolve(name === repository.name ? known : undefined)
  const others = memoryBackend()
  const backends = withUrls({ ...components, urls, recordOf }, { ...lifecycle([]), backendFor: () => others })
  const backend = backends.backendFor(repository)
  const keyOf = (digest: ReturnType<typeof digestOf>) =>
    `blobs/sha256/${digestHex(digest).slice(0, 2)}/${digestHex(digest)}`
  const read = async (range?: { readonly start: number; readonly end: number }) => {
    const found = await backend.read(keyOf(known.digest), { ...(range && { range }) })
    return found && { ...found, body: await buffer(found.body) }
  }
  expect(await backend.stat(keyOf(known.digest))).toMatchObject({ size: bytes.length, etag: tagOfUrl(known) })
  expect((await read())?.body.equals(bytes)).toBe(true)
  expect((await read({ start: 5, end: 50_000 }))?.body.equals(bytes.subarray(5, 50_000))).toBe(true)
  expect((await read({ start: 5, end: 5 }))?.body.length).toBe(0)
  const asked = web.server.requests.length
  expect(await backend.read(keyOf(digestOf(Buffer.from('other'))))).toBeUndefined()
  expect(await backend.stat(keyOf(digestOf(Buffer.from('other'))))).toBeUndefined()
  expect(web.server.requests.length).toBe(asked)
  expect(backends.backendFor({ ...repository, registry: 'own' })).toBe(others)
  web.web.bytes = cipherBytes('two', 100_000)
  expect(await read()).toBeUndefined()
  await expect(backend.write(keyOf(known.digest), Buffer.from('x'), { size: 1 })).rejects.toMatchObject({
    code: 'BACKEND_READ_ONLY',
  })
})
