import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { deferred } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { closingUrl, registryClient } from '../../kit/registry-client.ts'
import { type ProxyStack, startProxyStack } from './proxy-stack.ts'

const MIB = 1024 * 1024
const bytes = Buffer.alloc(48 * MIB, 'shoal of fish ')
const digest = digestOf(bytes)

/** Resolves with the bytes received once no more arrive, because all buffers on the way are full. */
async function settled(stack: ProxyStack, from: 'client' | 'origin'): Promise<number> {
  for (let before = -1; ; ) {
    const now = stack.metrics.value('shoal_received_bytes_total', { from })
    if (now > 0 && now === before) return now
    before = now
    await delay(300)
  }
}

describe('the proxy buffers nothing whole', () => {
  test('an origin that takes no bytes stops the client that sends them', async () => {
    const gate = deferred()
    await using stack = await startProxyStack({ onAppend: () => gate.promise })
    const client = registryClient(stack.url)
    const location = (await client.send('POST', '/v2/a/blobs/uploads/')).headers.location ?? ''
    const patched = client.send('PATCH', location, { body: bytes, chunked: true })
    expect(await settled(stack, 'client')).toBeLessThan(16 * MIB)
    gate.resolve()
    const { headers } = await patched
    expect((await client.send('PUT', closingUrl(headers.location ?? '', digest))).status).toBe(201)
  })

  test('a client that reads nothing stops the origin that sends', async () => {
    await using stack = await startProxyStack()
    await registryClient(stack.url).pushBlob('a', digest, bytes)
    const req = request(`${stack.url}/v2/a/blobs/${digest}`, { agent: false }).end()
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    expect(await settled(stack, 'origin')).toBeLessThan(16 * MIB)
    let size = 0
    for await (const chunk of res) size += (chunk as Uint8Array).byteLength
    expect(size).toBe(bytes.byteLength)
  })
})
