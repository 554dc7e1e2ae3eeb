import { createCipheriv, createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseRange } from '../../lib/http/index.ts'
import { keptAlive } from './kept-alive.ts'

const AES = 16
const STEP = 1024 * 1024

/** Bytes that are made from their offset (AES in counter mode): any part of any size, without the rest. */
export function madeBytes(seed: string) {
  const key = createHash('sha256').update(seed).digest()
  /** A stream of them from `offset` on: each call gives the next `length`. */
  const from = (offset: number) => {
    const counter = Buffer.alloc(AES)
    counter.writeBigUInt64BE(BigInt(Math.floor(offset / AES)), 8)
    const cipher = createCipheriv('aes-256-ctr', key, counter)
    cipher.update(Buffer.alloc(offset % AES))
    return (length: number) => cipher.update(Buffer.alloc(length))
  }
  return { from }
}

export interface MadeServer extends AsyncDisposable {
  readonly url: string
  /** Bytes of bodies that were handed to connections. */
  readonly sent: number
}

/** A web server of one file of `size` made bytes, with ranges and an ETag; it holds none of them. */
export async function madeServer(seed: string, size: number): Promise<MadeServer> {
  let sent = 0
  const bytes = madeBytes(seed)
  function* body(start: number, end: number) {
    const next = bytes.from(start)
    for (let at = start; at < end; at += STEP) {
      const length = Math.min(STEP, end - at)
      sent += length
      yield next(length)
    }
  }
  const server = createServer(keptAlive, (req, res) => {
    const asked = parseRange(req.headers.range, size)
    const { start, end } = asked.kind === 'single' ? asked.range : { start: 0, end: size }
    const part = asked.kind === 'single' && { 'content-range': `bytes ${start}-${end - 1}/${size}` }
    res.writeHead(part === false ? 200 : 206, { etag: '"made"', 'content-length': end - start, ...part })
    pipeline(Readable.from(body(start, end)), res).catch(() => res.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    get sent() {
      return sent
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Compares what comes with the rule, and keeps none of it. */
export class ComparingSink extends Writable {
  readonly #next: (length: number) => Buffer
  /** Bytes that came and were right. */
  right = 0

  constructor(seed: string) {
    super({ highWaterMark: 4 * STEP })
    this.#next = madeBytes(seed).from(0)
  }

  override _write(chunk: Buffer, _encoding: string, done: (err?: Error) => void): void {
    const isRight = this.#next(chunk.length).equals(chunk)
    if (isRight) this.right += chunk.length
    done(isRight ? undefined : new Error(`wrong bytes behind ${this.right}`))
  }
}
