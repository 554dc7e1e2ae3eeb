import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import {
  type AppError,
  appError,
  type ClientCertificates,
  type Clock,
  carryRemote,
  type TlsGuest,
  type TlsMaterial,
  tlsDoor,
} from '../base/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'

/** How a listener speaks TLS. */
export interface ListenerTls {
  readonly material: TlsMaterial
  readonly clients: ClientCertificates
  /** Requests without TLS are answered as well; otherwise each one is refused. */
  readonly plainToo: boolean
}

/** What became of a connection that came in at a listener with TLS. */
type Outcome = 'done' | 'plain' | 'no_certificate' | 'unknown_certificate' | 'late' | 'failed'

export interface TlsStage {
  /** Why every request of this connection is refused; undefined where it is not. */
  refusalOf(socket: Socket): AppError | undefined
  /** The connection that was accepted, which carries this one. */
  carrierOf(socket: Socket): Socket
}

export interface TlsStageInit {
  readonly name: string
  readonly tls: ListenerTls | undefined
  /** A connection that carries requests begins. */
  readonly onConnection: (socket: Socket) => void
}

/** A client that needs longer is on no network that pulls images. */
const HANDSHAKE_MS = 10_000

const withoutTls: TlsStage = { refusalOf: () => undefined, carrierOf: (socket) => socket }

/**
 * Puts the TLS handshake in front of a server for HTTP. A connection that it does not take is not cut: its requests are
 * refused, so that its client is told why.
 */
export function tlsStage(
  components: { readonly clock: Clock; readonly logger: Logger; readonly metrics: Metrics },
  server: Server,
  { name, tls, onConnection }: TlsStageInit,
): TlsStage {
  if (tls === undefined) {
    server.on('connection', onConnection)
    return withoutTls
  }
  const { clock, logger } = components
  const count = handshakes(components.metrics, name)
  const refused = new WeakMap<Socket, AppError>()
  const carriers = new WeakMap<Socket, Socket>()
  const door = tlsDoor({ clock }, { ...tls, handshakeMs: HANDSHAKE_MS })
  const serve = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (raw: Socket) => {
    door.open(raw, {
      onGuest(guest) {
        const [outcome, refusal] = judged(guest, tls)
        count(outcome)
        if (refusal !== undefined) refused.set(guest.socket, refusal)
        carriers.set(guest.socket, raw)
        if (guest.encrypted) carryRemote(guest.socket, raw)
        onConnection(guest.socket)
        for (const each of serve) Reflect.apply(each, server, [guest.socket])
        // What was read to see whether it speaks TLS.
        if (!guest.encrypted) raw.resume()
      },
      onFailed(err) {
        count(err.detail?.['late'] === true ? 'late' : 'failed')
        logger.debug('a TLS handshake failed', { err })
      },
    })
  })
  return {
    refusalOf: (socket) => refused.get(socket),
    carrierOf: (socket) => carriers.get(socket) ?? socket,
  }
}

function judged(
  { encrypted, certificate }: TlsGuest,
  { clients, plainToo }: ListenerTls,
): readonly [Outcome, AppError | undefined] {
  if (!encrypted) return ['plain', plainToo ? undefined : appError('TLS_REQUIRED')]
  if (clients === 'off' || certificate === 'known') return ['done', undefined]
  if (certificate === 'none')
    return ['no_certificate', clients === 'required' ? appError('CERTIFICATE_REQUIRED') : undefined]
  const message = 'the certificate of the client is of none of tls.authorities, or is not valid now'
  return ['unknown_certificate', appError('CERTIFICATE_REQUIRED', { message })]
}

function handshakes(metrics: Metrics, listener: string): (outcome: Outcome) => void {
  const help = 'Connections that came in at a listener with TLS, by what became of them.'
  const total = metrics.counter({ name: 'shoal_tls_handshakes_total', help }, ['listener', 'outcome'])
  return (outcome) => total.with({ listener, outcome }).add()
}
