import { IncomingMessage, type Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { type AppError, appError, type Clock, codeOf, type ErrorCode } from '../base/index.ts'

export interface OddRequestsComponents {
  readonly clock: Clock
  /** Answers a request with an error, as the error of a route is answered. */
  readonly refuse: (req: IncomingMessage, res: ServerResponse, err: AppError) => void
  /**
   * Refuses what is running on a connection and has not sent its body whole; resolves when nothing runs there any more.
   */
  readonly settle: (socket: Socket, err: AppError) => Promise<void>
}

/** What Node itself would answer, or cut without an answer. */
export interface OddRequests {
  /** Cuts the connections that got such an answer and are still open. */
  cut(): void
}

/** A client that is still sending when it is refused has this long to read why; then its connection is cut. */
const LAST_WORDS_MS = 1_000

const refusedByParser: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['HEADERS_TOO_LARGE', 'the request line and the headers are larger than the limit'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['BODY_TOO_LARGE', 'the extensions of a chunk are larger than the limit'],
  ERR_HTTP_REQUEST_TIMEOUT: ['REQUEST_TIMEOUT', 'the request line and the headers did not come in time'],
}

/** Undefined for a failure of the connection itself: there is nobody to answer. */
const refusalOf = (err: Error): AppError | undefined => {
  const code = codeOf(err) ?? ''
  const [known, message] = refusedByParser[code] ?? []
  if (known !== undefined) return appError(known, { ...(message !== undefined && { message }), cause: err })
  return code.startsWith('HPE_') ? appError('REQUEST_INVALID', { detail: { reason: code }, cause: err }) : undefined
}

/**
 * Takes the requests of a server that reach no listener for requests: malformed ones, heads that are too large or too
 * late, CONNECT, and expectations that nobody here meets. Node answers these in a form of its own, without request id,
 * code, log line or count.
 */
export function oddRequests(server: Server, { clock, refuse, settle }: OddRequestsComponents): OddRequests {
  const refused = new WeakSet<Socket>()
  const leaving = new Set<Socket>()

  /** Sends no more, but reads on for a while: a connection that is closed with unread bytes loses its last answer. */
  const leave = (socket: Socket) => {
    leaving.add(socket)
    const timer = clock.setTimer(LAST_WORDS_MS, () => socket.destroy())
    socket.once('close', () => {
      timer.cancel()
      leaving.delete(socket)
    })
    socket.once('end', () => socket.destroy()).on('error', () => socket.destroy())
    socket.end()
    socket.resume()
  }

  const answer = (socket: Socket, req: IncomingMessage, err: AppError) => {
    if (!socket.writable) {
      socket.destroy()
      return
    }
    const res = new ServerResponse(req)
    res.shouldKeepAlive = false
    res.assignSocket(socket)
    res.once('finish', () => {
      res.detachSocket(socket)
      res.emit('close')
      // The rest of a late head may still come: it would be taken for a request.
      if (err.code === 'REQUEST_TIMEOUT') socket.end(() => socket.destroy())
      else leave(socket)
    })
    refuse(req, res, err)
  }

  const refuseConnection = (socket: Socket, req: IncomingMessage, err: AppError) => {
    if (refused.has(socket)) return
    refused.add(socket)
    settle(socket, err)
      .then(() => answer(socket, req, err))
      .catch(() => socket.destroy())
  }

  server.on('clientError', (err, socket) => {
    const failure = refusalOf(err)
    if (failure === undefined || !(socket instanceof Socket)) socket.destroy(err)
    else refuseConnection(socket, new IncomingMessage(socket), failure)
  })
  server.on('connect', (req, socket) => {
    const err = appError('METHOD_NOT_ALLOWED', { message: 'this listener is no proxy for other hosts' })
    if (socket instanceof Socket) refuseConnection(socket, req, err)
    else socket.destroy()
  })
  server.on('checkExpectation', (req, res) => {
    refuse(req, res, appError('EXPECTATION_FAILED'))
  })

  return {
    cut() {
      for (const socket of leaving) socket.destroy()
    },
  }
}
