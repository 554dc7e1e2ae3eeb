import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock, tokenBucket } from '../../lib/base/index.ts'
import { contentRange, parseRange } from '../../lib/http/index.ts'

/** A web server whose answers together are no faster than a rate; the newest object is under every path. */
export interface PacedStore extends AsyncDisposable {
  /** Base URL without a trailing slash. */
  readonly url: string
  /** Bytes of objects given to connections so far. */
  readonly sentBytes: number
  /** Takes the place of the object before. */
  put(object: Uint8Array): void
}

const CHUNK_BYTES = 64 * 1024

export async function pacedStore(bytesPerSecond: number): Promise<PacedStore> {
  const rate = tokenBucket(systemClock(), { ratePerSecond: bytesPerSecond, burst: 4 * CHUNK_BYTES })
  let object: Uint8Array = new Uint8Array()
  let sentBytes = 0

  const answer = async (req: IncomingMessage, res: ServerResponse) => {
    const size = object.length
    const asked = parseRange(req.headers.range, size)
    const range = asked.kind === 'single' ? asked.range : { start: 0, end: size }
    const part = asked.kind === 'single' ? { 'content-range': contentRange(range, size) } : {}
    res.writeHead(asked.kind === 'single' ? 206 : 200, { 'content-length': range.end - range.start, ...part })
    for (let at = range.start; at < range.end && req.method === 'GET' && !res.destroyed; ) {
      const chunk = object.subarray(at, Math.min(range.end, at + CHUNK_BYTES))
      await rate.take(chunk.length)
      sentBytes += chunk.length
      if (!res.write(chunk)) await Promise.race([once(res, 'drain'), once(res, 'close')])
      at += chunk.length
    }
    res.end()
  }

  const server = createServer((req, res) => void answer(req, res).catch(() => res.destroy())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get sentBytes() {
      return sentBytes
    },
    put(next) {
      object = next
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
