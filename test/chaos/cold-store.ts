import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { abortable, type Clock, type Deferred, deferred } from '../../lib/base/index.ts'
import { type ByteRange, type Digest, digestHex } from '../../lib/core/index.ts'
import { contentRange, parseRange, unsatisfiedContentRange } from '../../lib/http/index.ts'
import { errorXml } from '../kit/http-faults.ts'
import { keptAlive } from '../kit/kept-alive.ts'
import { bytesOf, type ModelBlob } from './model-blob.ts'

/** What a store does to those who read it. */
export const storeMoods = ['slow', 'cut', 'lie', 'refuse', 'busy', 'hang'] as const
export type StoreMood = (typeof storeMoods)[number]

/** What left the store for one blob. */
export interface StoreReads {
  readonly requests: number
  readonly bytes: number
}

/**
 * A store whose bytes are made when they are read: a web server and a bucket at once, since both are asked by GET and
 * HEAD for a path with the digest in it.
 */
export interface ColdStore extends AsyncDisposable {
  readonly url: string
  /** Undefined: it gives what it is asked for. */
  mood: StoreMood | undefined
  /** Blobs of which it has given a wrong byte. */
  readonly lied: ReadonlySet<Digest>
  readonly reads: ReadonlyMap<Digest, StoreReads>
}

const CHUNK_BYTES = 64 * 1024
const SLOW_CHUNK_MS = 60
/** Wrong answers about one blob: each makes the cluster wait twice as long before it asks again. */
const MAX_LIES = 2

class Store {
  mood: StoreMood | undefined
  readonly lies = new Map<Digest, number>()
  readonly reads = new Map<Digest, { requests: number; bytes: number }>()
  readonly #clock: Clock
  readonly #blobs: ReadonlyMap<string, ModelBlob>
  #moodOver: Deferred<void> = deferred()
  #answers = 0

  constructor(clock: Clock, blobs: readonly ModelBlob[]) {
    this.#clock = clock
    this.#blobs = new Map(blobs.map((blob) => [digestHex(blob.digest), blob]))
  }

  turn(mood: StoreMood | undefined): void {
    this.mood = mood
    this.#moodOver.resolve()
    this.#moodOver = deferred()
  }

  answer(req: IncomingMessage, res: ServerResponse): void {
    const blob = this.#blobs.get(/[0-9a-f]{64}/.exec(req.url ?? '')?.[0] ?? '')
    if (blob === undefined) errorXml(404, 'NoSuchKey').apply({ req, res, go: () => undefined })
    else if (this.mood === 'refuse') errorXml(503, 'ServiceUnavailable').apply({ req, res, go: () => undefined })
    else if (this.mood === 'busy')
      errorXml(429, 'SlowDown', { 'retry-after': '1' }).apply({ req, res, go: () => undefined })
    else this.#serve(blob, req, res)
  }

  #serve(blob: ModelBlob, req: IncomingMessage, res: ServerResponse): void {
    const { size, digest } = blob
    const asked = parseRange(req.headers.range, size)
    if (asked.kind === 'unsatisfiable') {
      return void res.writeHead(416, { 'content-range': unsatisfiedContentRange(size) }).end()
    }
    const range = asked.kind === 'single' ? asked.range : { start: 0, end: size }
    res.writeHead(asked.kind === 'single' ? 206 : 200, {
      'content-length': range.end - range.start,
      'content-type': 'application/octet-stream',
      etag: `"${digestHex(digest).slice(0, 32)}"`,
      ...(asked.kind === 'single' && { 'content-range': contentRange(range, size) }),
    })
    if (req.method === 'HEAD') return void res.end()
    this.#count(digest).requests += 1
    const gone = new AbortController()
    res.once('close', () => gone.abort())
    this.#send(blob, range, res, gone.signal).catch(() => res.destroy())
  }

  async #send(blob: ModelBlob, range: ByteRange, res: ServerResponse, gone: AbortSignal): Promise<void> {
    this.#answers += 1
    // Every other answer is spoiled, in its middle.
    const spoiled = this.#answers % 2 === 0
    const middle = Math.floor((range.start + range.end) / 2)
    const count = this.#count(blob.digest)
    for (let { start } = range; start < range.end; start += CHUNK_BYTES) {
      const end = Math.min(start + CHUNK_BYTES, range.end)
      if (this.mood === 'hang') await abortable(this.#moodOver.promise, gone)
      if (this.mood === 'slow') await this.#clock.sleep(SLOW_CHUNK_MS, { signal: gone })
      const isMiddle = spoiled && start <= middle && middle < end
      if (this.mood === 'cut' && isMiddle) return void res.socket?.resetAndDestroy()
      const bytes = bytesOf(blob.name, { start, end })
      if (this.mood === 'lie' && isMiddle && this.#mayLie(blob.digest))
        bytes[middle - start] = ~(bytes[middle - start] ?? 0)
      count.bytes += bytes.length
      if (!res.write(bytes)) await once(res, 'drain', { signal: gone })
    }
    res.end()
  }

  #mayLie(digest: Digest): boolean {
    const lies = this.lies.get(digest) ?? 0
    if (lies === MAX_LIES) return false
    this.lies.set(digest, lies + 1)
    return true
  }

  #count(digest: Digest) {
    const count = this.reads.get(digest) ?? { requests: 0, bytes: 0 }
    this.reads.set(digest, count)
    return count
  }
}

export async function coldStore(clock: Clock, blobs: readonly ModelBlob[]): Promise<ColdStore> {
  const store = new Store(clock, blobs)
  const server = createServer(keptAlive, (req, res) => store.answer(req, res)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get mood() {
      return store.mood
    },
    set mood(mood) {
      store.turn(mood)
    },
    get lied() {
      return new Set(store.lies.keys())
    },
    reads: store.reads,
    async [Symbol.asyncDispose]() {
      store.turn(undefined)
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
