import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'

/**
 * Gets one chunk of an answer's body, which begins at offset `at`, and sends anything in its place. `over` means that
 * the function has ended the answer itself.
 */
export type EditChunk = (
  chunk: Buffer,
  at: number,
  send: (bytes: Uint8Array) => Promise<void>,
) => Promise<'over' | undefined>

/** From now on every chunk written to `res` goes through `edit`; the handler still decides how the body is framed. */
export function editAnswer(res: ServerResponse, edit: EditChunk): void {
  const write = res.write.bind(res)
  const end = res.end.bind(res)
  const written = new PassThrough()
  written.on('drain', () => res.emit('drain'))
  res.on('close', () => written.destroy())

  const send = async (bytes: Uint8Array) => {
    if (bytes.length > 0) await flushed(write, bytes)
  }
  const pump = async () => {
    let at = 0
    for await (const chunk of written as AsyncIterable<Buffer>) {
      if ((await edit(chunk, at, send)) === 'over') return
      at += chunk.length
    }
    end()
  }

  res.write = ((...args: Parameters<PassThrough['write']>) => written.write(...args)) as typeof res.write
  res.end = ((...args: Parameters<PassThrough['end']>) => {
    const [body] = args
    // Node also sets the length of an answer whose body is given in one call.
    if (!res.headersSent && typeof body !== 'function' && written.writableLength === 0) setLength(res, body)
    written.end(...args)
    return res
  }) as typeof res.end
  pump().catch(() => res.destroy())
}

/** Removes the Content-Length of `res`, so that a shortened body looks complete. */
export function hideLength(res: ServerResponse): void {
  const writeHead = res.writeHead.bind(res) as (status: number, ...rest: unknown[]) => ServerResponse
  const setHeader = res.setHeader.bind(res)
  const isLength = (name: string) => name.toLowerCase() === 'content-length'
  res.removeHeader('content-length')
  res.setHeader = (name, value) => (isLength(name) ? res : setHeader(name, value))
  res.writeHead = (status: number, ...rest: (string | OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined)[]) =>
    writeHead(
      status,
      ...rest.map((part) =>
        typeof part === 'object' && !Array.isArray(part)
          ? Object.fromEntries(Object.entries(part).filter(([name]) => !isLength(name)))
          : part,
      ),
    )
}

/** Calls `then` once the answer is complete, instead of sending it. */
export function swallowAnswer(res: ServerResponse, then: () => void): void {
  res.writeHead = () => res
  res.flushHeaders = () => undefined
  res.write = ((...args: unknown[]) => {
    const done = args.at(-1)
    if (typeof done === 'function') process.nextTick(done)
    return true
  }) as typeof res.write
  res.end = (() => {
    then()
    return res
  }) as typeof res.end
}

/** When the handler has written its whole answer, calls `done`, and sends nothing before `until` resolves. */
export function holdBack(
  res: ServerResponse,
  { done, until }: { readonly done: () => void; readonly until: Promise<unknown> },
): void {
  const original = {
    writeHead: res.writeHead.bind(res),
    write: res.write.bind(res),
    end: res.end.bind(res),
    flushHeaders: res.flushHeaders.bind(res),
  }
  const calls: (() => void)[] = []
  const later = (method: keyof typeof original) =>
    ((...args: unknown[]) => {
      calls.push(() => void (original[method] as (...given: unknown[]) => unknown)(...args))
      return res
    }) as never
  const send = () => {
    Object.assign(res, original)
    if (!res.destroyed) for (const call of calls) call()
  }
  res.writeHead = later('writeHead')
  res.flushHeaders = later('flushHeaders')
  res.write = later('write')
  const end = later('end') as (...args: unknown[]) => ServerResponse
  res.end = ((...args: unknown[]) => {
    end(...args)
    done()
    until.then(send, send)
    return res
  }) as typeof res.end
}

function setLength(res: ServerResponse, body: unknown): void {
  if (res.hasHeader('content-length') || res.hasHeader('transfer-encoding')) return
  const length = byteLengthOf(body)
  if (length !== undefined) res.setHeader('content-length', length)
}

/** Byte length of an argument of `write` or `end`; undefined when the argument is not a chunk. */
export function byteLengthOf(chunk: unknown): number | undefined {
  if (typeof chunk === 'string') return Buffer.byteLength(chunk)
  return ArrayBuffer.isView(chunk) ? chunk.byteLength : undefined
}

type Write = (bytes: Uint8Array, done: (err?: Error | null) => void) => boolean

function flushed(write: Write, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    write(bytes, (err) => (err ? reject(err) : resolve()))
  })
}
