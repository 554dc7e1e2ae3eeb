import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'

/** A GET whose answer the test reads step by step; unread bytes stay in the sockets. */
export interface SlowPull {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Bytes read so far. */
  readonly size: number
  /** Reads until at least `bytes` bytes of the answer are here. @throws when the answer ends or breaks before */
  readTo(bytes: number): Promise<void>
  /** Reads the rest; returns the digest of the whole answer. @throws when it breaks or is shorter than announced */
  finish(): Promise<string>
  destroy(): void
}

export async function slowPull(url: string, headers: OutgoingHttpHeaders = {}): Promise<SlowPull> {
  const req = request(url, { agent: false, headers })
  req.end()
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  const chunks = res[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const hash = createHash('sha256')
  let size = 0
  const step = async (): Promise<boolean> => {
    const next = await chunks.next()
    if (next.done === true) return false
    hash.update(next.value)
    size += next.value.byteLength
    return true
  }
  return {
    status: res.statusCode ?? 0,
    headers: res.headers,
    get size() {
      return size
    },
    async readTo(bytes) {
      while (size < bytes) if (!(await step())) throw new Error(`the answer ended after ${size} bytes`)
    },
    async finish() {
      while (await step());
      const announced = res.headers['content-length']
      if (announced !== String(size)) throw new Error(`${size} bytes came of ${announced ?? 'unknown'}`)
      return `sha256:${hash.digest('hex')}`
    },
    destroy: () => req.destroy(),
  }
}

/** GETs `url`; returns the digest of the answer. @throws unless the status is 200 and all bytes came */
export async function pullDigest(url: string): Promise<string> {
  const pull = await slowPull(url)
  if (pull.status !== 200) throw new Error(`${url} answered ${pull.status}`)
  return pull.finish()
}
