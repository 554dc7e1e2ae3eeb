import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock, tokenBucket } from '../../lib/base/index.ts'
import { digestHex, digestOf } from '../../lib/core/index.ts'
import { contentRange, parseRange } from '../../lib/http/index.ts'
import { type ByteCounts, byteCounts } from '../kit/byte-counts.ts'
import { cipherBytes } from '../kit/cipher-bytes.ts'
import { sentPeak } from './sent-peak.ts'

export interface StoreRates {
  /** Of all answers together. */
  readonly bytesPerSecond: number
  /** Milliseconds until an answer begins. */
  readonly latencyMs: number
}

/** What the store was asked for the object that it has now, since somebody last took the counts. */
export interface StoreCounts {
  /** GETs of the object. */
  readonly reads: number
  readonly sentBytes: number
  /** How often the byte was sent that was sent most often, and least. */
  readonly most: number
  readonly least: number
  /** Most bytes within a second. */
  readonly peak: number
  /** Answers that are under way. */
  readonly open: number
}

interface StoredObject {
  readonly content: Buffer
  /** Of the SHA-256 of the content. */
  readonly hex: string
}

const CHUNK_BYTES = 64 * 1024
export const BUCKET = 'bench'
export const CONTROL = '/control'

const clock = systemClock()

/** The counts of one object. */
class Tally {
  reads = 0
  open = 0
  #bytes: ByteCounts = byteCounts()
  #peak = sentPeak()

  sent(start: number, end: number) {
    this.#bytes.add({ start, end })
    this.#peak.add(clock.monotonicMs(), end - start)
  }

  counts(size: number): StoreCounts {
    const { reads, open } = this
    return { reads, open, sentBytes: this.#bytes.total, ...this.#bytes.between(size), peak: this.#peak.most }
  }

  reset() {
    this.reads = 0
    this.#bytes = byteCounts()
    this.#peak = sentPeak()
  }
}

/**
 * A store of the S3 protocol, as far as reading goes, with one object at a time, which anybody may read by plain HTTP too.
 * `POST /control?name=N&bytes=B` replaces the object by one of `cipherBytes` and answers with its digest;
 * `GET /control` answers with the `StoreCounts`, and `DELETE /control` takes them.
 */
export async function servePacedObjects({ bytesPerSecond, latencyMs }: StoreRates): Promise<{ readonly url: string }> {
  const rate = tokenBucket(clock, { ratePerSecond: bytesPerSecond, burst: 4 * CHUNK_BYTES })
  let object: StoredObject = { content: Buffer.alloc(0), hex: 'none' }
  let tally = new Tally()

  const control = (url: URL, { method }: IncomingMessage, res: ServerResponse) => {
    if (method === 'POST') {
      const content = cipherBytes(url.searchParams.get('name') ?? '', Number(url.searchParams.get('bytes')))
      const digest = digestOf(content)
      object = { content, hex: digestHex(digest) }
      tally = new Tally()
      return void res.end(digest)
    }
    res.end(JSON.stringify(tally.counts(object.content.length)))
    if (method === 'DELETE') tally.reset()
  }

  const give = async (req: IncomingMessage, res: ServerResponse, gone: AbortSignal) => {
    const { content } = object
    const mine = tally
    const asked = parseRange(req.headers.range, content.length)
    const range = asked.kind === 'single' ? asked.range : { start: 0, end: content.length }
    res.writeHead(asked.kind === 'single' ? 206 : 200, {
      ...{ 'content-length': range.end - range.start, etag: `"${object.hex}"`, 'accept-ranges': 'bytes' },
      ...(asked.kind === 'single' && { 'content-range': contentRange(range, content.length) }),
    })
    if (req.method === 'HEAD') return void res.end()
    mine.reads += 1
    mine.open += 1
    res.once('close', () => {
      mine.open -= 1
    })
    for (let at = range.start; at < range.end; ) {
      const end = Math.min(range.end, at + CHUNK_BYTES)
      await rate.take(end - at, { signal: gone })
      mine.sent(at, end)
      if (!res.write(content.subarray(at, end))) await once(res, 'drain', { signal: gone })
      at = end
    }
    res.end()
  }

  const answer = async (req: IncomingMessage, res: ServerResponse) => {
    const url = new URL(req.url ?? '/', 'http://store')
    if (url.pathname === CONTROL) {
      control(url, req, res)
      return
    }
    const gone = new AbortController()
    res.once('close', () => gone.abort())
    if (latencyMs > 0) await clock.sleep(latencyMs, { signal: gone.signal })
    if (url.pathname === `/${BUCKET}` || url.pathname === `/${BUCKET}/`) return void res.end()
    if (!url.pathname.endsWith(`/${object.hex}`)) return void res.writeHead(404).end()
    await give(req, res, gone.signal)
  }

  const server = createServer((req, res) => void answer(req, res).catch(() => res.destroy())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
