import type { Socket } from 'node:net'
import type { Clock } from '../base/index.ts'

/** Connections that Node has given up, or that got their last answer and are still open for a moment. */
export interface Lingering {
  /**
   * Takes over a connection that Node does not watch any more: drops what comes, and closes it when the client ends it,
   * when it fails or is idle, and when all are cut.
   */
  hold(socket: Socket): void
  /**
   * Sends no more on this connection, reads on for a while, and closes it: a connection that is closed with unread bytes
   * loses its last answer (RFC 9112, 9.6).
   */
  leave(socket: Socket): void
  /** Closes them all at once. */
  cut(): void
}

const LINGER_MS = 1_000

export function lingering(clock: Clock): Lingering {
  const open = new Set<Socket>()
  const hold = (socket: Socket) => {
    if (socket.destroyed || open.has(socket)) return
    open.add(socket)
    const destroy = () => socket.destroy()
    socket.once('close', () => open.delete(socket))
    socket.once('end', destroy).on('error', destroy).on('timeout', destroy)
    socket.resume()
  }
  return {
    hold,
    leave(socket) {
      // Such a socket emits no `close` any more.
      if (socket.destroyed) return
      hold(socket)
      const timer = clock.setTimer(LINGER_MS, () => socket.destroy())
      socket.once('close', () => timer.cancel())
      socket.end()
    },
    cut() {
      for (const socket of open) socket.destroy()
    },
  }
}
