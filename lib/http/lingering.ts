import type { Socket } from 'node:net'
import type { Clock } from '../base/index.ts'

/** Connections that got their last answer and are still open for a moment. */
export interface Lingering {
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
  return {
    leave(socket) {
      open.add(socket)
      const timer = clock.setTimer(LINGER_MS, () => socket.destroy())
      socket.once('close', () => {
        timer.cancel()
        open.delete(socket)
      })
      socket.once('end', () => socket.destroy()).on('error', () => socket.destroy())
      socket.end()
      socket.resume()
    },
    cut() {
      for (const socket of open) socket.destroy()
    },
  }
}
