import { type ClientRequest, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { appError, type Clock, type Deadline, deadline, hasCode, isAppError } from '../../base/index.ts'
import type { Exchange } from '../route.ts'
import { relayedAnswerHeaders } from './relay-headers.ts'
import { splice } from './tunnel.ts'

export interface RelayInit {
  /** Of the request, as they go on. */
  readonly headers: readonly string[]
  /** With its query. */
  readonly path: string
  /** Our name in `Via`. */
  readonly via: string
  /** Longest time without a byte in either direction. */
  readonly idleMs: number
  readonly onBytes: (direction: 'sent' | 'received', bytes: number) => void
  /** The connection of the client is for that afterwards, if the host agrees; the headers say it, too. */
  readonly protocol?: string | undefined
}

/** Of what a host answers. */
const MAX_HEAD_BYTES = 64 * 1024

/**
 * Sends one request on over a connection of its own, so that what one client sends can never be the begin of what
 * another one asks, and its answer back. A body that breaks off breaks the answer off. When the host agrees to another
 * protocol, bytes are carried both ways until that ends.
 * @throws FORWARD_UNREACHABLE as long as nothing was answered, ABORTED, what the body of the request fails with
 */
export async function relay(clock: Clock, exchange: Exchange, socket: Socket, init: RelayInit): Promise<void> {
  const { res, signal } = exchange
  const { onBytes } = init
  const idle = deadline(clock, init.idleMs, signal)
  const onward = httpRequest({
    createConnection: () => socket,
    method: exchange.method,
    path: init.path,
    headers: init.headers,
    setHost: false,
    maxHeaderSize: MAX_HEAD_BYTES,
    signal: idle.signal,
  })
  try {
    const sending = sendBody(exchange, onward, (bytes) => {
      idle.touch()
      onBytes('sent', bytes)
    })
    const { answer, changed } = await answerOf(onward, sending, init)
    idle.touch()
    if (changed !== undefined) {
      await changeProtocol(clock, exchange, { answer, remote: changed, init })
      return
    }
    answer.on('data', (chunk: Uint8Array) => {
      idle.touch()
      onBytes('received', chunk.byteLength)
    })
    passHead(res, answer, init.via)
    await pipeline(answer, res)
  } catch (err) {
    throw failureOf(err, { idle, signal })
  } finally {
    idle.release()
    onward.destroy()
    socket.destroy()
  }
}

/** Nothing of ours is in the head of the answer but our name. */
function passHead(res: ServerResponse, answer: IncomingMessage, via: string): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name)
  for (const [name, value] of relayedAnswerHeaders(answer, via)) res.appendHeader(name, value)
  res.sendDate = false
  res.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '')
}

/** Ends when the whole body has gone on. */
async function sendBody(exchange: Exchange, onward: ClientRequest, onBytes: (bytes: number) => void): Promise<void> {
  const { headers } = exchange.req
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  if (!hasBody) {
    onward.end()
    return
  }
  const body = Readable.from(exchange.body)
  body.on('data', (chunk: Uint8Array) => onBytes(chunk.byteLength))
  await pipeline(body, onward)
}

interface Answered {
  readonly answer: IncomingMessage
  /** The connection to the host, which speaks another protocol from now on. */
  readonly changed?: Socket
}

/** The host may answer before it has the whole body. */
function answerOf(onward: ClientRequest, sending: Promise<void>, { protocol }: RelayInit): Promise<Answered> {
  return new Promise((resolve, reject) => {
    onward.once('response', (answer) => resolve({ answer })).on('error', reject)
    if (protocol !== undefined)
      onward.once('upgrade', (answer, changed: Socket, head) => {
        if (head.length > 0) changed.unshift(head)
        resolve({ answer, changed })
      })
    // As after an answer that changes the protocol, which nobody has asked for.
    onward.once('close', () => reject(appError('PEER_CLOSED')))
    sending.catch(reject)
  })
}

interface Changed {
  readonly answer: IncomingMessage
  readonly remote: Socket
  readonly init: RelayInit
}

async function changeProtocol(clock: Clock, { req, res, signal }: Exchange, { answer, remote, init }: Changed) {
  const client = req.socket
  client.setTimeout(0)
  passHead(res, answer, init.via)
  res.flushHeaders()
  res.detachSocket(client)
  await splice(clock, { client, remote, signal }, init)
}

function failureOf(err: unknown, { idle, signal }: { readonly idle: Deadline; readonly signal: AbortSignal }) {
  if (signal.aborted) return appError('ABORTED', { cause: signal.reason })
  if (idle.expired) return appError('FORWARD_UNREACHABLE', { message: 'the host has fallen silent', cause: err })
  if (isAppError(err) && !hasCode(err, 'PEER_CLOSED')) return err
  return appError('FORWARD_UNREACHABLE', { message: 'the host broke the connection off', cause: err })
}
