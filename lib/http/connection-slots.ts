import type { Socket } from 'node:net'

/** The connections of a listener, of which there is a limited number. */
export interface ConnectionSlots {
  /**
   * Takes a new connection. Beyond the limit, the one that has been without a request for the longest time is closed for
   * it; when all have one, the new one is.
   */
  add(socket: Socket): void
  /** The connection has a request; call the result when its answer has closed. */
  use(socket: Socket): () => void
}

export function connectionSlots(max: number, onClosed: () => void): ConnectionSlots {
  /** Running requests of each connection; in the order in which they were last used. */
  const running = new Map<Socket, number>()

  const change = (socket: Socket, by: 1 | -1) => {
    const count = running.get(socket)
    if (count === undefined) return
    running.delete(socket)
    running.set(socket, count + by)
  }
  const oldestIdle = () => [...running].find(([, count]) => count === 0)?.[0]

  return {
    add(socket) {
      running.set(socket, 0)
      socket.once('close', () => running.delete(socket))
      if (running.size <= max) return
      const victim = oldestIdle() ?? socket
      running.delete(victim)
      victim.destroy()
      onClosed()
    },
    use(socket) {
      change(socket, 1)
      return () => change(socket, -1)
    },
  }
}
