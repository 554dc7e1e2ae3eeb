import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../base/index.ts'
import type { Lingering } from './lingering.ts'

/** An answer may go out while the body of its request still comes; so much of the rest is read, and for so long. */
const UNREAD_LIMIT = 8 * 1024 * 1024
const UNREAD_MS = 5_000

/**
 * Once the answer has gone out, reads what is left of the body and drops it, so that the next request on the
 * connection is found where it begins. Beyond the limits the connection is closed instead (RFC 9112, 9.3). Whoever
 * handles the request may leave its body anywhere, and must not destroy it.
 */
export function dropUnread(clock: Clock, connections: Lingering, req: IncomingMessage, res: ServerResponse): void {
  const drop = () => {
    if (req.complete || req.destroyed) return
    const { socket } = req
    let left = UNREAD_LIMIT
    const stop = () => {
      timer.cancel()
      req.off('data', count).off('end', stop).off('close', stop)
    }
    const giveUp = () => {
      stop()
      connections.leave(socket)
      req.resume()
    }
    const count = (chunk: Uint8Array) => {
      left -= chunk.byteLength
      if (left < 0) giveUp()
    }
    const timer = clock.setTimer(UNREAD_MS, giveUp)
    req
      .on('data', count)
      .on('end', stop)
      .on('close', stop)
      .on('error', () => undefined)
    req.resume()
    // Takes the body over before Node drops it without a limit.
    req.read(0)
  }
  res.prependOnceListener('finish', drop)
}
