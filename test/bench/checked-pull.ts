import { createHash } from 'node:crypto'
import { once, setMaxListeners } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import type { CurlTimes } from './measure.ts'

export interface CheckedPull {
  readonly url: string
  /** `sha256:<hex>` of the right bytes. */
  readonly digest: string
}

/** Each request has a connection of its own, as if each came from a client of its own. */
const separate = () => new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })

/** GETs a blob and compares the SHA-256 of what came. @throws on a status other than 200 or other bytes */
async function pullOne({ url, digest }: CheckedPull, signal: AbortSignal): Promise<CurlTimes> {
  const startedMs = performance.now()
  const req = request(url, { agent: separate(), signal }).end()
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  // What breaks from here on, the body tells as well.
  req.on('error', () => undefined)
  const hash = createHash('sha256')
  let firstByteMs = Number.NaN
  for await (const chunk of res as AsyncIterable<Uint8Array>) {
    if (Number.isNaN(firstByteMs)) firstByteMs = performance.now() - startedMs
    hash.update(chunk)
  }
  const totalMs = performance.now() - startedMs
  const got = `sha256:${hash.digest('hex')}`
  if (res.statusCode !== 200 || got !== digest) throw new Error(`${url} answered ${res.statusCode} and ${got}`)
  return { firstByteMs, totalMs }
}

/**
 * All clients begin at once, and each fetches all its blobs at once. Returns, for each client, its
 * first byte of any blob and the end of its last one. @throws when a blob was not right; then no request is left
 */
export async function checkedPulls(
  clients: readonly (readonly CheckedPull[])[],
  signal: AbortSignal,
): Promise<readonly CurlTimes[]> {
  const failed = new AbortController()
  const cut = AbortSignal.any([signal, failed.signal])
  // Each request listens twice: until its answer comes, and as long as it lasts.
  setMaxListeners(2 * clients.flat().length, cut)
  const pulls = clients.map(async (blobs) => {
    const times = await Promise.all(blobs.map((blob) => pullOne(blob, cut)))
    return {
      firstByteMs: Math.min(...times.map(({ firstByteMs }) => firstByteMs)),
      totalMs: Math.max(...times.map(({ totalMs }) => totalMs)),
    }
  })
  try {
    return await Promise.all(pulls)
  } catch (error) {
    failed.abort(error)
    await Promise.allSettled(pulls)
    throw error
  }
}
