import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { appError, onAbort } from '../base/index.ts'
import type { Exchange } from './route.ts'
import { leavesTooMuch } from './unread-body.ts'

/** The part of an exchange that an answer needs. */
export type Answerable = Pick<Exchange, 'method' | 'res'>

export type Headers = Readonly<Record<string, string | number | undefined>>

const head = (res: ServerResponse, status: number, headers: Headers) => {
  const present: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) present[name] = value
  if (leavesTooMuch(res.req)) res.shouldKeepAlive = false
  res.writeHead(status, present)
}

/** Answers with bytes; HEAD gets only the header. Headers with an undefined value are left out. */
export function sendBytes(
  { res, method }: Answerable,
  answer: { readonly status: number; readonly headers?: Headers; readonly body: Uint8Array },
): void {
  head(res, answer.status, { 'content-length': answer.body.byteLength, ...answer.headers })
  res.end(method === 'HEAD' ? undefined : answer.body)
}

/** Answers with JSON. */
export function sendJson(exchange: Answerable, status: number, value: unknown, headers: Headers = {}): void {
  const body = Buffer.from(JSON.stringify(value))
  sendBytes(exchange, { status, headers: { 'content-type': 'application/json', ...headers }, body })
}

/** Of text in UTF-8. */
export const PLAIN_TEXT: Headers = { 'content-type': 'text/plain; charset=utf-8' }

/** Answers with exactly this text. */
export function sendText(exchange: Answerable, status: number, text: string): void {
  sendBytes(exchange, { status, headers: PLAIN_TEXT, body: Buffer.from(text) })
}

/** Answers without a body. For HEAD, `headers` may carry the `content-length` that GET would have. */
export function sendEmpty({ res, method }: Answerable, status: number, headers: Headers = {}): void {
  const lengthless = method === 'HEAD' || status === 204 || status === 304
  head(res, status, lengthless ? headers : { 'content-length': 0, ...headers })
  res.end()
}

export interface StreamAnswer {
  readonly status: number
  /** Set `content-length` when the length is known; without it the body is chunked. */
  readonly headers: Headers
  /** Destroyed when the client disconnects, when the answer fails, and for HEAD. */
  readonly body: Readable
  /** Called with the number of payload bytes of each chunk handed to the connection. */
  readonly onBytes?: (count: number) => void
}

/** Waits for the first byte, the end or an error of the source, so that an early failure can still be answered. */
const firstByte = async (body: Readable, signal: AbortSignal): Promise<void> => {
  if (body.errored !== null) throw body.errored
  if (body.readableLength > 0 || body.readableEnded) return
  if (body.destroyed) throw appError('PEER_CLOSED', { message: 'the source of the answer was closed before its end' })
  await new Promise<void>((resolve, reject) => {
    let unfollow: () => void = () => undefined
    const done = (settle: () => void) => () => {
      body.off('readable', ready).off('end', ready).off('error', failed).off('close', closed)
      unfollow()
      settle()
    }
    const ready = done(resolve)
    const failed = (err: Error) => done(() => reject(err))()
    const closed = done(() => reject(appError('PEER_CLOSED', { message: 'the source of the answer was closed' })))
    const aborted = done(() => reject(appError('ABORTED', { cause: signal.reason })))
    body.on('readable', ready).on('end', ready).on('error', failed).on('close', closed)
    unfollow = onAbort(signal, aborted)
  })
}

/**
 * Answers with a stream, at the client's pace. The header is sent with the first byte. When the source fails before
 * that, its error is thrown; when it fails later, the connection is cut, so that the client notices the truncation.
 * @throws what the source threw; ERR_STREAM_PREMATURE_CLOSE or ABORTED when the client disconnected
 */
export async function sendStream(exchange: Pick<Exchange, 'method' | 'res' | 'signal'>, answer: StreamAnswer) {
  const { res, signal } = exchange
  const { body, onBytes } = answer
  // A source with the same signal fails at a moment when nobody awaits it any more.
  body.on('error', () => undefined)
  if (exchange.method === 'HEAD') {
    body.destroy()
    sendEmpty(exchange, answer.status, answer.headers)
    return
  }
  try {
    await firstByte(body, signal)
    head(res, answer.status, answer.headers)
    const sent = pipeline(body, res, { signal })
    if (onBytes !== undefined) body.on('data', (chunk: Uint8Array) => onBytes(chunk.byteLength))
    await sent
  } finally {
    if (!body.destroyed) body.destroy()
  }
}
