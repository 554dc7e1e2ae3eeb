import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { carryRemote } from '../base/index.ts'
import type { ServeInside } from './forward/forward.ts'

/** Connections that come through others of a listener. */
export interface InnerConnections {
  readonly serve: ServeInside
  /** The accepted connection that carries this one; itself, if it is one. */
  carrierOf(socket: Socket): Socket
  /** Closes those without a request, and takes no more. */
  closeIdle(): void
  closeAll(): void
}

/** @param server listens nowhere: it is given the connections */
export function innerConnections(server: Server): InnerConnections {
  const carriers = new WeakMap<Socket, Socket>()
  let isClosing = false
  // From then on Node counts how long the heads of requests take, and knows which connections are idle.
  server.emit('listening')
  const carrierOf = (socket: Socket): Socket => {
    const carrier = carriers.get(socket)
    return carrier === undefined ? socket : carrierOf(carrier)
  }
  return {
    carrierOf,
    serve: (socket, carrier) =>
      new Promise((resolve) => {
        if (isClosing || socket.destroyed) {
          socket.destroy()
          resolve()
          return
        }
        carriers.set(socket, carrier)
        carryRemote(socket, carrier)
        socket.once('close', () => resolve())
        server.emit('connection', socket)
      }),
    closeIdle() {
      isClosing = true
      server.closeIdleConnections()
    },
    closeAll() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Serves by those that are there now. A connection that comes after the stop has begun is closed. */
export const servedBy =
  (now: () => InnerConnections | undefined): ServeInside =>
  async (socket, carrier) => {
    const inner = now()
    if (inner === undefined) socket.destroy()
    else await inner.serve(socket, carrier)
  }
