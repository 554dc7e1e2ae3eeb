import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { blobSender, originClient, type SendProgress, type SendTarget } from '../../../lib/api/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { type FaultProxy, faultProxy } from '../../kit/fault-proxy.ts'
import { type NearOrigin, nearOrigin, putCopy } from '../../kit/near-origin.ts'
import { answerError, answerJson, disposableHttp, type Script, scriptedServer } from '../../kit/scripted-server.ts'
import { everySecret } from '../../kit/secrets.ts'
import { contentOf } from '../../kit/store-fixture.ts'

const repository = parseRepository('team/app')
const far = parseRepository('copies/app')
const MIB = 1024 * 1024
const secret = 'the-secret-of-the-far-cluster'

let near: NearOrigin
let farOrigin: NearOrigin
let proxy: FaultProxy
let http: HttpClient & AsyncDisposable
let blobs = 0

beforeAll(async () => {
  near = await nearOrigin()
  farOrigin = await nearOrigin()
  proxy = await faultProxy({ target: farOrigin.url })
  http = disposableHttp()
})

afterAll(async () => {
  for (const each of [http, proxy, farOrigin, near]) await each[Symbol.asyncDispose]()
})

/** A new blob at the near origin, and what goes over the line while it is sent. */
async function newBlob(size: number) {
  blobs += 1
  const content = contentOf(cipherBytes(`sent ${blobs}`, size))
  await putCopy(near.url, 'team/app', content)
  const from = proxy.faults.requests.length
  const seen: SendProgress[] = []
  const sender = blobSender({ http, cluster: clusterOf([{ id: 'origin-1', url: near.url }]) })
  const send = (target: Partial<SendTarget> = {}, options: { readonly signal?: AbortSignal } = {}) =>
    sender.send(
      repository,
      content.digest,
      { url: proxy.url, repository: far, ...target },
      { ...options, onProgress: (progress) => seen.push(progress) },
    )
  const calls = () => proxy.faults.requests.slice(from)
  const carried = () => calls().reduce((sum, { receivedBytes }) => sum + receivedBytes, 0)
  const arrived = async () => {
    const answer = await fetch(`${farOrigin.url}/namespace/copies%2Fapp/blobs/${content.digest}`)
    return Buffer.compare(Buffer.from(await answer.arrayBuffer()), content.bytes) === 0
  }
  return { ...content, seen, send, calls, carried, arrived }
}

const raw = (digest: string, body: unknown, headers: Record<string, string> = {}, url = near.url) =>
  fetch(`${url}/namespace/team%2Fapp/blobs/${digest}/send`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

const linesOf = (text: string): unknown[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown)

describe('an origin that sends a blob to another cluster', () => {
  test('names the upload before any byte, and the far origin has the blob in the end', async () => {
    const blob = await newBlob(2 * MIB + 5)
    const before = await near.metric('shoal_sent_bytes_total{to="cluster"}')
    expect(await blob.send()).toEqual({ size: 2 * MIB + 5 })
    expect(await blob.arrived()).toBe(true)
    expect(blob.seen[0]).toMatchObject({ sent: 0, size: 2 * MIB + 5, upload: { id: expect.any(String) } })
    expect(blob.seen.at(-1)?.sent).toBe(2 * MIB + 5)
    expect(blob.calls().map(({ method }) => method)).toEqual(['HEAD', 'POST', 'PATCH', 'PATCH', 'PATCH', 'PUT'])
    expect((await near.metric('shoal_sent_bytes_total{to="cluster"}')) - before).toBe(2 * MIB + 5)
  })

  test('an empty blob is sent, too', async () => {
    const blob = await newBlob(0)
    expect(await blob.send()).toEqual({ size: 0 })
    expect(await blob.arrived()).toBe(true)
  })

  test('what the far origin has is not sent', async () => {
    const blob = await newBlob(1000)
    await putCopy(farOrigin.url, 'copies/app', blob)
    expect(await blob.send()).toEqual({ size: 1000 })
    expect(blob.calls().map(({ method }) => method)).toEqual(['HEAD'])
  })

  test('an upload goes on where it stands', async () => {
    const blob = await newBlob(3 * MIB)
    const client = originClient(http, farOrigin.url)
    const { id } = await client.createUpload(far)
    await client.appendUpload(far, id, { offset: 0, body: blob.bytes.subarray(0, 1.5 * MIB) })
    await blob.send({ upload: { id } })
    expect(await blob.arrived()).toBe(true)
    expect(blob.carried()).toBe(1.5 * MIB)
  })

  test.each([
    ['that nobody knows', undefined],
    ['that is longer than the blob', 3000],
  ])('an upload %s is replaced by a new one', async (_what, length) => {
    const blob = await newBlob(2000)
    const client = originClient(http, farOrigin.url)
    const id = length === undefined ? 'nobody-knows' : (await client.createUpload(far)).id
    if (length !== undefined) await client.appendUpload(far, id, { offset: 0, body: Buffer.alloc(length) })
    await blob.send({ upload: { id } })
    expect(await blob.arrived()).toBe(true)
    expect(blob.seen[0]?.upload.id).not.toBe(id)
  })

  test('an upload of wrong bytes is removed, so that the next try begins anew', async () => {
    const blob = await newBlob(2000)
    const client = originClient(http, farOrigin.url)
    const { id } = await client.createUpload(far)
    await client.appendUpload(far, id, { offset: 0, body: Buffer.alloc(1000) })
    await expect(blob.send({ upload: { id } })).rejects.toMatchObject({ code: 'DIGEST_INVALID', detail: { at: 'far' } })
    await blob.send({ upload: { id } })
    expect(await blob.arrived()).toBe(true)
  })

  test('a caller that goes ends the send, and the upload stays to be gone on with', async () => {
    const blob = await newBlob(3 * MIB)
    const cancel = new AbortController()
    const sending = blob.send({ bytesPerSecond: MIB / 16 }, { signal: cancel.signal })
    while (!blob.calls().some(({ method }) => method === 'PATCH')) await pause(1)
    cancel.abort()
    await expect(sending).rejects.toMatchObject({ code: 'ABORTED' })
    const upload = blob.seen[0]?.upload
    const { size } = await originClient(http, farOrigin.url).uploadStatus(far, upload?.id ?? '')
    expect(size).toBeLessThan(3 * MIB)
    await blob.send({ ...(upload && { upload }) })
    expect(await blob.arrived()).toBe(true)
    expect(blob.carried()).toBeLessThanOrEqual(4 * MIB)
  })

  test.each([
    ['no URL', { url: 'far' }],
    ['a URL of another scheme', { url: 'file:///etc/passwd' }],
    ['a URL with a user', { url: 'http://user:pass@127.0.0.1' }],
    ['a URL with a query', { url: 'http://127.0.0.1/?a=' }],
    ['a URL with a fragment', { url: 'http://127.0.0.1/#a' }],
    ['a secret with a line break', { secret: 'hidden-\r\nx: y' }],
    ['a rate of nothing', { bytesPerSecond: 0 }],
    ['no repository', { repository: undefined }],
  ])('%s is refused, and the secret is not repeated', async (_what, wrong) => {
    const { digest } = await newBlob(10)
    const answer = await raw(digest, { url: 'http://127.0.0.1:1', repository: 'copies/app', secret, ...wrong })
    expect(answer.status).toBe(400)
    const text = await answer.text()
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'BODY_INVALID' } })
    expect(text).not.toMatch(/hidden-|the-secret/)
  })

  test('a redirect is not followed', async () => {
    const { digest } = await newBlob(10)
    await using aside = await scriptedServer((_, res) => void res.end())
    await using moved = await scriptedServer((_, res) => void res.writeHead(307, { location: aside.url }).end())
    const answer = await raw(digest, { url: moved.url, repository: 'copies/app' })
    expect(linesOf(await answer.text())).toEqual([{ error: expect.objectContaining({ code: 'UNKNOWN', at: 'far' }) }])
    expect(aside.requests).toEqual([])
  })

  test('the secret goes to the far origin alone, also when that one repeats it', async () => {
    const { digest } = await newBlob(10)
    const echo: Script = ({ headers, method }, res) => {
      const message = `no ${headers.authorization}`
      if (method === 'HEAD') res.writeHead(404).end()
      else answerJson(res, 403, { error: { code: 'DENIED', message, detail: { message } } })
    }
    await using server = await scriptedServer(echo)
    const text = await (await raw(digest, { url: server.url, repository: 'copies/app', secret })).text()
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${secret}`)
    expect(linesOf(text)).toEqual([{ error: expect.objectContaining({ code: 'DENIED', at: 'far' }) }])
    expect(near.logger.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        fields: expect.objectContaining({ digest, code: 'DENIED', at: 'far' }),
      }),
    )
    expect(text + JSON.stringify(near.logger.lines)).not.toContain(secret)
  })

  test('the secret of our own services is not shown to another cluster', async () => {
    await using guarded = await nearOrigin({ secrets: { service: everySecret.service, node: everySecret.node } })
    const service = { authorization: `Bearer ${everySecret.service}` }
    const content = contentOf(cipherBytes('guarded', 10))
    const copy = `${guarded.url}/namespace/team%2Fapp/blobs/${content.digest}`
    await fetch(copy, { method: 'PUT', body: content.bytes, headers: service })
    await using server = await scriptedServer((_, res) => answerError(res, 403, 'DENIED'))
    const target = { url: server.url, repository: 'copies/app' }
    await (await raw(content.digest, target, service, guarded.url)).text()
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization')
    expect((await raw(content.digest, target, {}, guarded.url)).status).toBe(401)
    const node = { authorization: `Bearer ${everySecret.node}` }
    expect((await raw(content.digest, target, node, guarded.url)).status).toBe(403)
    expect(server.requests).toHaveLength(1)
  })

  test('a blob that is nowhere is BLOB_UNKNOWN', async () => {
    const { digest } = contentOf(Buffer.from('nowhere'))
    expect((await raw(digest, { url: proxy.url, repository: 'copies/app' })).status).toBe(404)
  })

  test('more sends than an origin takes are refused until one is over', async () => {
    const { digest } = await newBlob(10)
    await using silent = await scriptedServer(() => undefined)
    const target = { url: silent.url, repository: 'copies/app' }
    const cancel = new AbortController()
    const url = `${near.url}/namespace/team%2Fapp/blobs/${digest}/send`
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify(target)
    const held = Array.from({ length: 32 }, () =>
      fetch(url, { method: 'POST', headers, body, signal: cancel.signal }).catch(() => undefined),
    )
    while (silent.requests.length < 32) await pause(1)
    const refused = await raw(digest, target)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('5')
    expect(await refused.json()).toMatchObject({ error: { code: 'LISTENER_BUSY', detail: { limit: 'sends' } } })
    cancel.abort()
    await Promise.all(held)
    for (;;) {
      const answer = await raw(digest, { ...target, url: 'http://127.0.0.1:1' })
      await answer.text()
      if (answer.status === 200) break
      await pause(5)
    }
  })
})
