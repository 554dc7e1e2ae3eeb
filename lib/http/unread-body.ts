import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../base/index.ts'
import type { Lingering } from './lingering.ts'

/** An answer may go out while the body of its request still comes; so much of the rest is read, and for so long. */
const UNREAD_LIMIT = 8 * 1024 * 1024
const UNREAD_MS = 5_000

/**
 * True when the rest of the body may be larger than is read after the answer: the connection will be closed, and the
 * answer must say so, or the client sends its next request into the void.
 */
export function leavesTooMuch(req: IncomingMessage): boolean {
  return !req.complete && Number(req.headers['content-length'] ?? 0) > UNREAD_LIMIT
}

/**
 * Once the answer has gone out, reads what is left of the body and drops it, so that the next request on the
 * connection is found where it begins, and the last answer of a connection is not lost with the bytes that nobody read.
 * Beyond the limits the connection is closed instead (RFC 9112, 9.3). Whoever handles the request may leave its body
 * anywhere, and must not destroy it.
 */
export function dropUnread(clock: Clock, connections: Lingering, req: IncomingMessage, res: ServerResponse): void {
  const drop = () => {
    const { socket } = req
    if (req.complete || socket.destroyed) return
    let left = UNREAD_LIMIT
    const stop = () => {
      timer.cancel()
      Reflect.deleteProperty(socket, 'destroySoon')
      req.off('data', count).off('end', ended)
      socket.off('close', stop)
    }
    const giveUp = () => {
      stop()
      connections.leave(socket)
      req.resume()
    }
    const ended = () => {
      stop()
      if (socket.writableEnded) connections.leave(socket)
    }
    const count = (chunk: Uint8Array) => {
      left -= chunk.byteLength
      if (left < 0) giveUp()
    }
    const timer = clock.setTimer(UNREAD_MS, giveUp)
    // So Node closes after a last answer; the rest of the body would then make the system reset the connection.
    socket.destroySoon = () => socket.end()
    // Node has forgotten the request by now: only the connection tells when the client goes.
    socket.once('close', stop)
    req
      .on('data', count)
      .on('end', ended)
      .on('error', () => undefined)
    req.resume()
    // Takes the body over before Node drops it without a limit.
    req.read(0)
  }
  res.prependOnceListener('finish', drop)
}
