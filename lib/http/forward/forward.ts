import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { RequestTarget } from '../request-target.ts'
import type { Exchange } from '../route.ts'

/**
 * Where a request goes: to the routes of the listener, as before or with another target, which the door does not judge; or
 * away, to a host elsewhere.
 */
export type Way =
  | { readonly to: 'routes'; readonly target?: RequestTarget; readonly shown?: Shown }
  | { readonly to: 'away'; readonly shown: Shown }

/** What tells who is calling: what is meant for a host elsewhere is not for us. */
export type Shown = Pick<IncomingMessage, 'headers' | 'socket'>

/**
 * Serves a connection that came through another one, its carrier, as one of the listener: under the same limits, and with the
 * same routes. Resolves when it has closed.
 */
export type ServeInside = (socket: Socket, carrier: Socket) => Promise<void>

/** What makes a listener a proxy for requests to hosts elsewhere. */
export interface Forward {
  /** @throws REQUEST_INVALID, HOST_UNKNOWN, METHOD_NOT_ALLOWED */
  wayOf(req: IncomingMessage, target: RequestTarget): Way
  /** Label of the metrics. */
  readonly name: string
  /** Decides whether the caller may, before anything else is done. @throws FORWARD_UNAUTHORIZED */
  readonly admits: (exchange: Exchange) => void
  /** Answers what goes away; by the end of it the answer is complete, or the tunnel has ended. */
  readonly handle: (exchange: Exchange, serveInside: ServeInside) => Promise<void>
}
