import { IncomingMessage, type Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { type AppError, appError, codeOf, type ErrorCode } from '../base/index.ts'
import type { Lingering } from './lingering.ts'

export interface OddRequestsComponents {
  readonly connections: Lingering
  /** Answers a request with an error, as the error of a route is answered. */
  readonly refuse: (req: IncomingMessage, res: ServerResponse, err: AppError) => void
  /**
   * Refuses what is running on a connection and has not sent its body whole; resolves when nothing runs there any more.
   */
  readonly settle: (socket: Socket, err: AppError) => Promise<void>
  /** Answers CONNECT; undefined: it is refused. What it takes the connection for has the first bytes to read. */
  readonly connect?: ((req: IncomingMessage, res: ServerResponse) => void) | undefined
  /** The same for requests to change the protocol; undefined: they are requests as all others. */
  readonly upgrade?: ((req: IncomingMessage, res: ServerResponse) => void) | undefined
}

const refusedByParser: Readonly<Record<string, readonly [ErrorCode, message?: string]>> = {
  HPE_HEADER_OVERFLOW: ['HEADERS_TOO_LARGE', 'the request line and the headers are larger than the limit'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['BODY_TOO_LARGE', 'the extensions of a chunk are larger than the limit'],
  ERR_HTTP_REQUEST_TIMEOUT: ['HEAD_TOO_SLOW'],
}

/** Undefined when the connection failed, or ended in the middle of a request: there is nobody to answer. */
const refusalOf = (err: Error): AppError | undefined => {
  const code = codeOf(err) ?? ''
  const [known, message] = refusedByParser[code] ?? []
  if (known !== undefined) return appError(known, { ...(message !== undefined && { message }), cause: err })
  if (code === 'HPE_INVALID_EOF_STATE') return undefined
  return code.startsWith('HPE_') ? appError('REQUEST_INVALID', { detail: { reason: code }, cause: err }) : undefined
}

/**
 * Takes the requests of a server that reach no listener for requests: malformed ones, heads that are too large or too
 * late, CONNECT, and what changes the protocol. Node answers these in a form of its own, without request id, code, log line or count.
 */
export function oddRequests(server: Server, components: OddRequestsComponents): void {
  const { connections, refuse, settle, connect, upgrade } = components
  const refused = new WeakSet<Socket>()

  const answerOn = (socket: Socket, req: IncomingMessage, isLate = false): ServerResponse | undefined => {
    if (!socket.writable) {
      connections.leave(socket)
      return undefined
    }
    const res = new ServerResponse(req)
    res.shouldKeepAlive = false
    res.assignSocket(socket)
    res.once('finish', () => {
      res.detachSocket(socket)
      res.emit('close')
      // The rest of a late head may still come: it would be taken for a request.
      if (isLate) socket.end(() => socket.destroy())
      else connections.leave(socket)
    })
    return res
  }

  const refuseConnection = (socket: Socket, req: IncomingMessage, err: AppError) => {
    if (refused.has(socket)) return
    refused.add(socket)
    settle(socket, err)
      .then(() => {
        const res = answerOn(socket, req, err.code === 'HEAD_TOO_SLOW')
        if (res !== undefined) refuse(req, res, err)
      })
      .catch(() => socket.destroy())
  }

  /** Answers that are under way on the connection come first. */
  const takeOver = (take: NonNullable<typeof connect>, req: IncomingMessage, socket: Socket, head: Buffer) => {
    if (head.length > 0) socket.unshift(head)
    socket.on('error', () => socket.destroy())
    settle(socket, appError('ABORTED', { message: 'the client wants the connection for something else' }))
      .then(() => {
        const res = answerOn(socket, req)
        if (res !== undefined) take(req, res)
      })
      .catch(() => socket.destroy())
  }

  server.on('clientError', (err, socket) => {
    const failure = refusalOf(err)
    if (failure === undefined || !(socket instanceof Socket)) socket.destroy(err)
    else refuseConnection(socket, new IncomingMessage(socket), failure)
  })
  server.on('connect', (req, socket, head) => {
    if (!(socket instanceof Socket)) socket.destroy()
    else if (connect !== undefined) takeOver(connect, req, socket, head)
    else {
      connections.hold(socket)
      const err = appError('METHOD_NOT_ALLOWED', { message: 'this listener is no proxy for other hosts' })
      refuseConnection(socket, req, err)
    }
  })
  if (upgrade === undefined) return
  server.on('upgrade', (req, socket, head) => {
    if (!(socket instanceof Socket)) socket.destroy()
    else takeOver(upgrade, req, socket, head)
  })
}
