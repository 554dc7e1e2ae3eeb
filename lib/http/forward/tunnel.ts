import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { appError, type Clock, deadline, onAbort } from '../../base/index.ts'
import type { Exchange } from '../route.ts'

export interface TunnelInit {
  /** Longest time without a byte in either direction. */
  readonly idleMs: number
  readonly onBytes: (direction: 'sent' | 'received', bytes: number) => void
}

/** Answers CONNECT, and carries what both sides say, as `splice` does. @throws ABORTED when the client has gone */
export async function tunnel(clock: Clock, exchange: Exchange, remote: Socket, init: TunnelInit): Promise<void> {
  try {
    const client = establish(exchange)
    await splice(clock, { client, remote, signal: exchange.signal }, init)
  } finally {
    remote.destroy()
  }
}

/** Answers CONNECT; the connection of the client is then for whoever has it. @throws ABORTED when the client has gone */
export function establish({ req, res }: Pick<Exchange, 'req' | 'res'>): Socket {
  const client = req.socket
  if (client.destroyed) throw appError('ABORTED', { message: 'the client disconnected' })
  client.setTimeout(0)
  sendEstablished(res)
  res.detachSocket(client)
  return client
}

export interface SpliceInit {
  readonly client: Socket
  readonly remote: Socket
  readonly signal: AbortSignal
}

/**
 * Carries bytes both ways until both sides have ended, one breaks off, nothing comes for too long, or the signal fires.
 * Whichever side ends first, what the other one still says gets through.
 */
export async function splice(
  clock: Clock,
  { client, remote, signal }: SpliceInit,
  { idleMs, onBytes }: TunnelInit,
): Promise<void> {
  const idle = deadline(clock, idleMs, signal)
  const takeBack = onAbort(idle.signal, () => {
    breakOff(client)
    breakOff(remote)
  })
  const heard = (direction: 'sent' | 'received') => (bytes: number) => {
    idle.touch()
    onBytes(direction, bytes)
  }
  try {
    await Promise.all([carried(client, remote, heard('sent')), carried(remote, client, heard('received'))])
  } finally {
    takeBack()
    idle.release()
    client.destroy()
    remote.destroy()
  }
}

/** An answer to CONNECT has no body, so nothing may say where that ends (RFC 9110, 9.3.6). */
function sendEstablished(res: ServerResponse): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name)
  for (const name of ['content-length', 'transfer-encoding', 'connection']) res.removeHeader(name)
  res.sendDate = false
  res.writeHead(200, 'Connection established')
  res.flushHeaders()
}

/** Resolves when one side has nothing more to say, or is gone. A side that is cut cuts the other one. */
function carried(from: Socket, to: Socket, onBytes: (bytes: number) => void): Promise<void> {
  return new Promise((resolve) => {
    from.on('data', (chunk: Uint8Array) => onBytes(chunk.byteLength))
    from.on('error', () => undefined)
    from.once('close', () => {
      if (!from.readableEnded) breakOff(to)
      resolve()
    })
    to.once('finish', resolve).once('close', resolve)
    from.pipe(to)
    if (from.destroyed) breakOff(to)
  })
}

/** So that the other side never takes what is cut for whole. Under TLS that lacks its own end. */
function breakOff(socket: Socket): void {
  if (socket.destroyed) return
  if (socket instanceof TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
}
