import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import {
  appError,
  type Clock,
  clientContext,
  codeOf,
  onAbort,
  type TlsDoor,
  type TlsGuest,
  type TlsMaterial,
  tlsDoor,
} from '../../base/index.ts'
import type { PeerAddress } from '../../core/index.ts'
import { swarmLimits } from '../limits.ts'
import type { ByteChannel, ByteReader } from '../wire/index.ts'
import { streamChannel } from './stream-channel.ts'

/** How a node speaks TLS with its peers: both sides show a certificate of one of the authorities. */
export interface PeerTls {
  readonly material: TlsMaterial
  /** Also peers that speak none are let in, and are dialled without it. */
  readonly plainToo: boolean
}

/** Oldest version that peers speak: all of them are ours. */
const MIN_VERSION = 'TLSv1.3'

const unproven = (reason: string, cause?: unknown) =>
  appError('PEER_UNPROVEN', { message: `the peer did not prove by TLS that it belongs here: ${reason}`, cause })

/** The door for incoming connections. */
export const peerDoor = (clock: Clock, { material }: PeerTls): TlsDoor =>
  tlsDoor({ clock }, { material, clients: 'required', handshakeMs: swarmLimits.handshakeTimeoutMs })

/**
 * An incoming connection, at once, as a channel: nothing of it is delivered before its TLS handshake has ended. Whoever
 * limits channels that have not said anything yet limits handshakes as well.
 */
export function securedChannel(door: TlsDoor, tls: PeerTls, raw: Socket, remote: PeerAddress): ByteChannel {
  return new SecuredChannel(door, tls, raw, remote)
}

/** Undefined when the peer is let in. */
function refusalOf({ encrypted, certificate }: TlsGuest, { plainToo }: PeerTls) {
  if (!encrypted) return plainToo ? undefined : unproven('it speaks none; give it tls.certificate')
  if (certificate === 'known') return undefined
  return unproven(
    certificate === 'none' ? 'it shows no certificate' : 'its certificate is of none of tls.authorities, or has ended',
  )
}

class SecuredChannel implements ByteChannel {
  readonly remote: PeerAddress
  readonly #raw: Socket
  /** What bytes go over, once that is known. */
  #inner: ByteChannel | undefined
  #reader: ByteReader | undefined
  #paused = true
  #closed: { readonly cause: unknown } | undefined

  constructor(door: TlsDoor, tls: PeerTls, raw: Socket, remote: PeerAddress) {
    this.remote = remote
    this.#raw = raw
    door.open(raw, {
      onGuest: (guest) => {
        const refusal = refusalOf(guest, tls)
        if (refusal === undefined) this.#enter(guest.socket)
        else {
          guest.socket.destroy()
          this.#end(refusal)
        }
      },
      onFailed: (err) => this.#end(err.cause ?? err),
    })
  }

  get pendingBytes(): number {
    return this.#inner?.pendingBytes ?? 0
  }

  read(reader: ByteReader): void {
    this.#reader = reader
    this.#paused = false
    const closed = this.#closed
    if (closed !== undefined) queueMicrotask(() => reader.onClose(closed.cause))
    else this.#inner?.read(reader)
  }

  pause(): void {
    this.#paused = true
    this.#inner?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#inner?.resume()
  }

  /** Who accepts a connection reads first, so it has nothing to send before there is an inner channel. */
  write(bytes: Uint8Array, onFlushed?: () => void): void {
    this.#inner?.write(bytes, onFlushed)
  }

  destroy(): void {
    if (this.#inner === undefined) this.#raw.destroy()
    else this.#inner.destroy()
  }

  #enter(socket: Socket): void {
    const inner = streamChannel(socket, this.remote)
    this.#inner = inner
    if (this.#reader === undefined) return
    inner.read(this.#reader)
    if (this.#paused) inner.pause()
  }

  #end(cause: unknown): void {
    if (this.#closed !== undefined) return
    this.#closed = { cause }
    this.#reader?.onClose(cause)
  }
}

/**
 * Connects and shakes hands. The certificate must name the host that was dialled.
 * @throws PEER_UNPROVEN when its certificate is not taken; PEER_CLOSED, with `speaksNoTls` in its detail when it ended the
 * connection instead of a handshake; what the system throws when it cannot be reached
 */
export async function dialTls({ material }: PeerTls, address: PeerAddress, signal: AbortSignal): Promise<Socket> {
  const socket = connectTls({ ...address, secureContext: clientContext(material.now), minVersion: MIN_VERSION })
  socket.setNoDelay(true)
  const connected = new Promise<true>((resolve) => socket.once('connect', () => resolve(true)))
  const takeBack = onAbort(signal, () => socket.destroy(appError('ABORTED', { cause: signal.reason })))
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve).once('error', reject)
      socket.once('close', () => reject(appError('PEER_CLOSED')))
    })
    return socket.pause()
  } catch (err) {
    socket.on('error', () => undefined).destroy()
    const isConnected = await Promise.race([connected, Promise.resolve(false)])
    throw isConnected ? handshakeError(err, address) : err
  } finally {
    takeBack()
  }
}

/** What a plain peer does with the first record of a handshake: it closes, or sends something else. */
const plainAnswers = ['ECONNRESET', 'EPIPE', 'EPROTO', 'PEER_CLOSED', 'ERR_SSL_WRONG_VERSION_NUMBER']

function handshakeError(err: unknown, address: PeerAddress): unknown {
  const code = codeOf(err) ?? ''
  if (code === 'ABORTED') return err
  if (plainAnswers.includes(code)) {
    const message = 'the peer ended the TLS handshake, or speaks none; give all peers tls.certificate'
    return appError('PEER_CLOSED', { message, detail: { ...address, speaksNoTls: true }, cause: err })
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return unproven(`its certificate does not name ${address.host}`, err)
  return unproven(`its certificate is not taken (${code}); compare tls.authorities`, err)
}
