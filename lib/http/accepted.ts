import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** All connections that a server has accepted and that are open, whatever has become of them. */
export interface Accepted {
  /** Ends them all at once. */
  cut(): void
}

/**
 * A server for HTTP closes only what it knows as its own: not a connection that is in a handshake, that has become a tunnel, or
 * that speaks another protocol. Its `close` would wait for those. Call it when all stages of the server are in place.
 */
export function acceptedConnections(server: Server): Accepted {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return {
    cut() {
      for (const socket of open) socket.destroy()
    },
  }
}
