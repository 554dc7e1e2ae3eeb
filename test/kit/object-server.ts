import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { abortable, type Deferred, deferred } from '../../lib/base/index.ts'
import { contentRange, parseRange } from '../../lib/http/index.ts'
import { type ByteCounts, byteCounts } from './byte-counts.ts'
import { keptAlive } from './kept-alive.ts'
import { listening } from './listening.ts'

/** A web server with one object under every path; it counts the sent bytes, and can hold back or cut an answer. */
export interface ObjectServer extends AsyncDisposable {
  /** Base URL without a trailing slash. */
  readonly url: string
  /** Bytes of the object that were passed to connections. */
  readonly counts: ByteCounts
  /** Number of requests for bytes so far. */
  readonly reads: number
  /** Number of answers under way. */
  readonly open: number
  /** Answers send bytes up to this offset, now and later; Infinity removes the limit. */
  openTo(offset: number): void
  /** The next answer that reaches this offset ends there, shorter than its announced length. */
  cutAt(offset: number): void
}

const CHUNK_BYTES = 64 * 1024

class CountingServer {
  readonly counts = byteCounts()
  reads = 0
  open = 0
  readonly #object: Uint8Array
  #limit = Number.POSITIVE_INFINITY
  #opened: Deferred<void> = deferred()
  #cut = Number.POSITIVE_INFINITY

  constructor(object: Uint8Array) {
    this.#object = object
  }

  openTo(offset: number) {
    this.#limit = offset
    this.#opened.resolve()
    this.#opened = deferred()
  }

  cutAt(offset: number) {
    this.#cut = offset
  }

  answer(req: IncomingMessage, res: ServerResponse): void {
    const size = this.#object.length
    const asked = parseRange(req.headers.range, size)
    const range = asked.kind === 'single' ? asked.range : { start: 0, end: size }
    res.writeHead(asked.kind === 'single' ? 206 : 200, {
      'content-length': range.end - range.start,
      etag: '"one"',
      ...(asked.kind === 'single' && { 'content-range': contentRange(range, size) }),
    })
    if (req.method === 'HEAD') {
      res.end()
      return
    }
    this.reads += 1
    const gone = new AbortController()
    this.open += 1
    res.once('close', () => {
      this.open -= 1
      gone.abort()
    })
    this.#send(res, range, gone.signal).catch(() => res.destroy())
  }

  async #send(res: ServerResponse, range: { start: number; end: number }, gone: AbortSignal): Promise<void> {
    for (let at = range.start; at < range.end; ) {
      while (at >= this.#limit) await abortable(this.#opened.promise, gone)
      if (at === this.#cut) {
        this.#cut = Number.POSITIVE_INFINITY
        res.socket?.destroySoon()
        return
      }
      const stops = [at + CHUNK_BYTES, range.end, this.#limit, this.#cut > at ? this.#cut : range.end]
      const end = Math.min(...stops)
      this.counts.add({ start: at, end })
      if (!res.write(this.#object.subarray(at, end))) await once(res, 'drain', { signal: gone })
      at = end
    }
    res.end()
  }
}

export async function objectServer(object: Uint8Array): Promise<ObjectServer> {
  const counting = new CountingServer(object)
  const { url, kill } = await listening(createServer(keptAlive, (req, res) => counting.answer(req, res)))
  return {
    url,
    counts: counting.counts,
    get reads() {
      return counting.reads
    },
    get open() {
      return counting.open
    },
    openTo: (offset) => counting.openTo(offset),
    cutAt: (offset) => counting.cutAt(offset),
    [Symbol.asyncDispose]: kill,
  }
}
