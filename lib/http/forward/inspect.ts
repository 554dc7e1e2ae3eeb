import type { Socket } from 'node:net'
import { type AppError, codeOf, onAbort, type TlsDoor } from '../../base/index.ts'
import type { Exchange } from '../route.ts'
import type { ForeignTarget } from './foreign-target.ts'
import type { ServeInside } from './forward.ts'
import { establish } from './tunnel.ts'

/**
 * What became of a connection that is looked into. `distrusted`: the client says that it does not take the certificate;
 * `left`: it went without a request, as others do that do not take it; `other_name`: it asked for another host than CONNECT;
 * `plain`: it speaks no TLS.
 */
export type InspectOutcome = 'done' | 'distrusted' | 'left' | 'other_name' | 'plain' | 'late' | 'failed'

/** Looks into the TLS of clients that want to some hosts. */
export interface Inspection {
  /** Where the TLS of a client ends that wants to that host; undefined: nobody looks into what goes there. */
  doorFor(target: ForeignTarget): TlsDoor | undefined
  /** Called before the first request of a connection to that host. Returns whether there has been one. */
  onOpen(socket: Socket, connect: Exchange, target: ForeignTarget): () => boolean
  onEnd(target: ForeignTarget, outcome: InspectOutcome): void
}

export interface InspectInit {
  readonly target: ForeignTarget
  readonly door: TlsDoor
  readonly inspection: Inspection
  readonly serveInside: ServeInside
  /** Carries what a client says that speaks no TLS. */
  readonly onPlain: (client: Socket) => Promise<void>
}

/**
 * Answers CONNECT, ends the TLS of the client, and has what it asks for inside answered as what comes to the listener itself.
 * Resolves when the connection is over. @throws ABORTED, as long as nothing was answered
 */
export async function inspect(exchange: Exchange, init: InspectInit): Promise<void> {
  const { target, inspection } = init
  const client = establish(exchange)
  const takeBack = onAbort(exchange.signal, () => client.destroy())
  try {
    inspection.onEnd(target, await looked(exchange, client, init))
  } finally {
    takeBack()
    client.destroy()
  }
}

function looked(exchange: Exchange, client: Socket, init: InspectInit): Promise<InspectOutcome> {
  const { door, target, inspection, serveInside, onPlain } = init
  return new Promise((resolve, reject) => {
    door.open(client, {
      onFailed: (err) => resolve(outcomeOf(err)),
      onGuest({ socket, encrypted }) {
        if (!encrypted) {
          onPlain(client).then(() => resolve('plain'), reject)
          return
        }
        // Before anything of it is read.
        const isUsed = inspection.onOpen(socket, exchange, target)
        serveInside(socket, client).then(() => resolve(isUsed() ? 'done' : 'left'), reject)
      },
    })
  })
}

/** Alerts by which a client says that it does not take the certificate (RFC 8446, 6.2), as OpenSSL names them. */
const DISTRUST = /_ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)/

/** @param err of a handshake that failed, as the door tells it */
export function outcomeOf({ detail, cause }: Pick<AppError, 'detail' | 'cause'>): InspectOutcome {
  if (detail?.['late'] === true) return 'late'
  if (detail?.['name'] === true) return 'other_name'
  const code = codeOf(cause) ?? ''
  if (DISTRUST.test(code)) return 'distrusted'
  return code.startsWith('ERR_SSL_') ? 'failed' : 'left'
}
