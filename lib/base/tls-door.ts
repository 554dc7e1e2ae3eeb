import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { type AppError, appError, isAppError } from './app-error.ts'
import type { Clock } from './clock.ts'
import type { TlsMaterial, TlsTexts } from './tls-material.ts'

/** Whether those who call are asked for a certificate: `optional` takes those without one, `required` nobody else. */
export type ClientCertificates = 'off' | 'optional' | 'required'

export interface TlsDoorInit {
  readonly material: TlsMaterial
  readonly clients: ClientCertificates
  /** Longest time from the connection to the end of the handshake, milliseconds. */
  readonly handshakeMs: number
  /** Protocols inside that it agrees to (ALPN); default: it says nothing about that. */
  readonly protocols?: readonly string[]
  /** Whether a client may ask for a host of this name (SNI), which is in lower case; default: for any. */
  readonly admitsName?: (name: string) => boolean
}

/** A connection of which it is known what it speaks. */
export interface TlsGuest {
  /** Where its bytes come from and go to: decrypted, where it speaks TLS. */
  readonly socket: Socket
  readonly encrypted: boolean
  /** `known`: of one of our authorities, and valid. */
  readonly certificate: 'none' | 'known' | 'unknown'
}

export interface TlsDoorEvents {
  /** Called in the turn in which the handshake ends, before any byte is read. */
  onGuest(guest: TlsGuest): void
  /**
   * The connection has ended before that.
   * @param err TLS_HANDSHAKE_FAILED; `detail.late` when it took too long, `detail.name` when it asked for a name that is not admitted
   */
  onFailed(err: AppError): void
}

/** Takes new connections through the TLS handshake. */
export interface TlsDoor {
  /**
   * Looks at the first byte of a connection. Whoever does not begin a handshake is a guest that is not encrypted. Destroy
   * the socket to give up.
   */
  open(raw: Socket, events: TlsDoorEvents): void
}

/** The first byte of every TLS connection: a record of the type handshake (RFC 8446, 5.1). */
const HANDSHAKE_RECORD = 0x16

/** A new door; certificates that have changed count for the connections that come afterwards. */
export function tlsDoor({ clock }: { readonly clock: Pick<Clock, 'setTimer'> }, init: TlsDoorInit): TlsDoor {
  return new Door(clock, init)
}

/** A connection before its handshake has ended. */
interface Visitor {
  readonly raw: Socket
  readonly onGuest: (guest: TlsGuest) => void
  cause: unknown
}

/** The name that a client asks for is not admitted. */
const strangeName = () => appError('TLS_HANDSHAKE_FAILED', { detail: { name: true } })

type Ends = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localPort'>

/** Both ends of a connection: no two open ones have the same. */
const endsOf = ({ remoteAddress, remotePort, localPort }: Ends) =>
  `${remoteAddress ?? ''} ${remotePort ?? ''} ${localPort ?? ''}`

class Door implements TlsDoor {
  readonly #clock: Pick<Clock, 'setTimer'>
  readonly #init: TlsDoorInit
  /** In the middle of the handshake. */
  readonly #visitors = new Map<string, Visitor>()
  #server: Server | undefined
  #texts: TlsTexts | undefined

  constructor(clock: Pick<Clock, 'setTimer'>, init: TlsDoorInit) {
    this.#clock = clock
    this.#init = init
  }

  open(raw: Socket, events: TlsDoorEvents): void {
    const ends = endsOf(raw)
    let isLate = false
    const timer = this.#clock.setTimer(this.#init.handshakeMs, () => {
      isLate = true
      raw.destroy()
    })
    const onClose = () => {
      leave()
      const detail = isLate ? { late: true } : isAppError(visitor.cause) ? (visitor.cause.detail ?? {}) : {}
      events.onFailed(appError('TLS_HANDSHAKE_FAILED', { detail, cause: visitor.cause }))
    }
    const leave = () => {
      timer.cancel()
      raw.off('close', onClose)
      if (this.#visitors.get(ends) === visitor) this.#visitors.delete(ends)
    }
    const onGuest = (guest: TlsGuest) => {
      leave()
      events.onGuest(guest)
    }
    const visitor: Visitor = { raw, onGuest, cause: undefined }
    const onEnd = () => raw.destroy()
    raw
      .once('close', onClose)
      .once('end', onEnd)
      .on('error', (err) => {
        visitor.cause ??= err
      })
      .once('data', (chunk: Buffer) => {
        raw.off('end', onEnd).pause().unshift(chunk)
        if (chunk[0] !== HANDSHAKE_RECORD) {
          onGuest({ socket: raw, encrypted: false, certificate: 'none' })
          return
        }
        // A server for HTTP keeps halves of connections open; of a TLS connection there is no half.
        raw.allowHalfOpen = false
        this.#visitors.set(ends, visitor)
        this.#serverNow().emit('connection', raw)
      })
      .resume()
  }

  /** It listens nowhere: it is given the connections. */
  #serverNow(): Server {
    const { material, clients, protocols } = this.#init
    const { certificate: cert, key, authorities } = material.now
    const own = { cert, key, ca: [...authorities] }
    if (this.#server === undefined) {
      const asks = clients !== 'off'
      this.#server = createServer({
        ...{ ...own, requestCert: asks, rejectUnauthorized: false },
        ...(protocols !== undefined && { ALPNProtocols: [...protocols] }),
      })
      this.#server.on('secureConnection', (socket) => this.#secured(socket))
      this.#server.on('tlsClientError', (err, socket) => this.#failed(err, socket))
    } else if (this.#texts !== material.now) this.#server.setSecureContext(own)
    this.#texts = material.now
    return this.#server
  }

  #secured(socket: TLSSocket & { readonly servername?: unknown }): void {
    const visitor = this.#visitors.get(endsOf(socket))
    if (visitor === undefined) {
      socket.destroy()
      return
    }
    const { servername: name } = socket
    if (typeof name === 'string' && this.#init.admitsName?.(name.toLowerCase()) === false) {
      visitor.cause = strangeName()
      visitor.raw.destroy()
      return
    }
    const shown = socket.getPeerX509Certificate() !== undefined
    const certificate = socket.authorized ? 'known' : shown ? 'unknown' : 'none'
    visitor.onGuest({ socket, encrypted: true, certificate })
  }

  #failed(err: unknown, socket: TLSSocket): void {
    const visitor = this.#visitors.get(endsOf(socket))
    if (visitor === undefined) return
    visitor.cause ??= err
    visitor.raw.destroy()
  }
}
