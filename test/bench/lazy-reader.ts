import { once } from 'node:events'
import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { readByteranges } from '../kit/byteranges.ts'
import type { Bytes } from '../kit/lazy-mount.ts'

/**
 * `waited`: somebody waits for the range. `early`: nobody waits yet. `chunk`: to the first byte of an answer that is open
 * at its end. `many`: several ranges in one request. `whole`: the blob in one answer.
 */
export type ReadKind = 'waited' | 'early' | 'chunk' | 'many' | 'whole'

export interface ReadTime {
  readonly kind: ReadKind
  readonly ms: number
}

/** One lazy client of one blob. All its reads compare what came with the content, and throw when it is not that. */
export interface LazyReader extends Disposable {
  /** Of all reads so far that ended. */
  readonly times: readonly ReadTime[]
  waited(bytes: Bytes): Promise<void>
  early(bytes: Bytes): Promise<void>
  /** Reads so many bytes of an answer that is open at its end, then closes the connection. */
  chunk(start: number, bytes: number): Promise<void>
  many(ranges: readonly Bytes[]): Promise<void>
  whole(): Promise<void>
}

export interface LazyReaderInit {
  readonly url: string
  readonly content: Buffer
  readonly signal: AbortSignal
}

const WAITED = { 'x-dragonfly-priority': '6', 'x-dragonfly-use-p2p': 'true', 'content-length': '0' }
const EARLY = { ...WAITED, 'x-dragonfly-priority': '3', 'x-dragonfly-prefetch': 'true' }

const rangeOf = ([first, last]: Bytes) => ({ range: `bytes=${first}-${last}` })

export function lazyReader({ url, content, signal }: LazyReaderInit): LazyReader {
  const agent = new Agent({ keepAlive: true })
  const times: ReadTime[] = []

  const open = async (headers: OutgoingHttpHeaders, own: Agent | false = agent) => {
    const req = request(url, { agent: own, headers, signal }).end()
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    // What breaks from here on, the body tells as well.
    req.on('error', () => undefined)
    return { req, res, body: res as AsyncIterable<Buffer> }
  }
  const timed = async (kind: ReadKind, work: () => Promise<unknown>) => {
    const startedMs = performance.now()
    await work()
    times.push({ kind, ms: performance.now() - startedMs })
  }
  const expect = (res: IncomingMessage, status: number, contentRange?: string) => {
    if (res.statusCode === status && res.headers['content-range'] === contentRange) return
    throw new Error(`${url} answered ${res.statusCode}, ${res.headers['content-range']} for ${contentRange}`)
  }
  const compare = async (body: AsyncIterable<Buffer>, start: number, end: number) => {
    let at = start
    for await (const chunk of body) {
      if (!chunk.equals(content.subarray(at, at + chunk.length))) throw new Error(`${url}: other bytes from ${at} on`)
      at += chunk.length
    }
    if (at !== end) throw new Error(`${url} ended at ${at}, not at ${end}`)
  }
  const single = (bytes: Bytes, headers: OutgoingHttpHeaders) => async () => {
    const [first, last] = bytes
    const { res, body } = await open({ ...headers, ...rangeOf(bytes) })
    expect(res, 206, `bytes ${first}-${last}/${content.length}`)
    await compare(body, first, last + 1)
  }

  return {
    times,
    waited: (bytes) => timed('waited', single(bytes, WAITED)),
    early: (bytes) => timed('early', single(bytes, EARLY)),
    async chunk(start, bytes) {
      const end = Math.min(content.length, start + bytes)
      const startedMs = performance.now()
      const { req, res, body } = await open({ range: `bytes=${start}-` }, false)
      expect(res, 206, `bytes ${start}-${content.length - 1}/${content.length}`)
      await once(res, 'readable')
      times.push({ kind: 'chunk', ms: performance.now() - startedMs })
      await compare(upTo(body, end - start), start, end)
      req.destroy()
    },
    many: (ranges) =>
      timed('many', async () => {
        const { res } = await open({
          range: `bytes=${ranges.map(([first, last]) => `${first}-${last}`).join(',')}`,
        })
        expect(res, 206)
        const parts = readByteranges(res.headers['content-type'], await buffer(res))
        const wrong = ranges.findIndex(([first, last], at) => {
          const part = parts[at]
          return part?.start !== first || !part.bytes.equals(content.subarray(first, last + 1))
        })
        if (wrong !== -1) throw new Error(`${url}: range ${wrong} of ${ranges.length} is not right`)
        if (parts.length !== ranges.length) throw new Error(`${url} answered with ${parts.length} ranges`)
      }),
    whole: () =>
      timed('whole', async () => {
        const { res, body } = await open(EARLY)
        expect(res, 200)
        await compare(body, 0, content.length)
      }),
    [Symbol.dispose]: () => agent.destroy(),
  }
}

/** The chunks of a body until that many bytes have come. */
async function* upTo(body: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const chunk of body) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left <= 0) return
  }
}
