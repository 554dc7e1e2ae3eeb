import { connect, createServer, type Server, type Socket } from 'node:net'
import {
  type AbortOptions,
  appError,
  type Clock,
  deadline,
  hasCode,
  isAppError,
  onAbort,
  remoteEndOf,
  throwIfAborted,
} from '../../base/index.ts'
import type { PeerAddress } from '../../core/index.ts'
import { swarmLimits } from '../limits.ts'
import type { ByteChannel } from '../wire/index.ts'
import { type StreamChannel, streamChannel } from './stream-channel.ts'
import { dialTls, type PeerTls, peerDoor, securedChannel } from './tls-peers.ts'
import type { PeerListener, PeerTransport } from './transport.ts'

/** Most bytes that one read takes from the kernel. */
const READ_LENGTH = 256 * 1024

export interface TcpTransportInit {
  readonly clock: Clock
  /** Default: none is spoken, and who speaks it is turned away by the handshake of the protocol. */
  readonly peerTls?: PeerTls | undefined
  /** Incoming connections come through balancers, which say where from; default: they do not. */
  readonly balancers?: IncomingDoor | undefined
}

/** Takes new connections through the header of a balancer. */
export interface IncomingDoor {
  /** Calls back when it is known where the connection comes from, unless it is refused; it is paused then. */
  open(socket: Socket, onGuest: () => void): void
  /** Ends the connections of which that is not known yet. */
  cut(): void
}

/** Peers over TCP, and over TLS where the node has a certificate. */
export function tcpTransport({ clock, peerTls, balancers }: TcpTransportInit): PeerTransport {
  // libuv reads into the buffer and calls back before it reads from another socket (except on Windows), and readers
  // keep no chunk: so one buffer serves every dialled connection.
  const shared = Buffer.allocUnsafeSlow(READ_LENGTH)
  const plain = (address: PeerAddress, signal: AbortSignal) => dialPlain(shared, address, signal)
  const secured = async (tls: PeerTls, address: PeerAddress, signal: AbortSignal) =>
    streamChannel(await dialTls(tls, address, signal), address)
  const reach = async (address: PeerAddress, signal: AbortSignal): Promise<ByteChannel> => {
    if (peerTls === undefined) return await plain(address, signal)
    try {
      return await secured(peerTls, address, signal)
    } catch (err) {
      if (peerTls.plainToo && isAppError(err) && err.detail?.['speaksNoTls'] === true) return plain(address, signal)
      throw err
    }
  }
  const door = peerTls === undefined ? undefined : peerDoor(clock, peerTls)
  const channelOf = (socket: Socket, remote: PeerAddress) =>
    door === undefined || peerTls === undefined
      ? streamChannel(socket, remote)
      : securedChannel(door, peerTls, socket, remote)
  return {
    listen: (address, onChannel) => listen(address, { channelOf, balancers }, onChannel),
    dial: (address, options = {}) => dial(clock, reach, address, options),
  }
}

interface Incoming extends Pick<TcpTransportInit, 'balancers'> {
  readonly channelOf: (socket: Socket, remote: PeerAddress) => ByteChannel
}

async function listen(
  address: PeerAddress,
  { channelOf, balancers }: Incoming,
  onChannel: (channel: ByteChannel) => void,
): Promise<PeerListener> {
  const enter = (socket: Socket) => {
    const remote = remoteEndOf(socket)
    if (remote === undefined) socket.destroy()
    else onChannel(channelOf(socket, { host: plainHost(remote.address), port: remote.port }))
  }
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
    if (balancers === undefined) enter(socket)
    else balancers.open(socket, () => enter(socket))
  })
  await new Promise<void>((resolve, reject) => {
    // The listener stays: a connection that cannot be accepted (no free file descriptor) is lost, but the server goes
    // on.
    server.on('error', (err) =>
      reject(appError(hasCode(err, 'EADDRINUSE') ? 'PORT_IN_USE' : 'UNKNOWN', { detail: { ...address }, cause: err })),
    )
    server.listen(address.port, address.host, resolve)
  })
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port
  return { address: { host: address.host, port }, close: () => close(server, balancers) }
}

function close(server: Server, balancers: IncomingDoor | undefined): Promise<void> {
  balancers?.cut()
  // The callback waits for all open connections, which are not ours to end.
  if (server.listening) server.close()
  return Promise.resolve()
}

/** A listener on `::` shows an IPv4 address with a prefix; this removes the prefix. */
function plainHost(host: string): string {
  return host.startsWith('::ffff:') ? host.slice('::ffff:'.length) : host
}

/** @throws PEER_CLOSED, PEER_UNPROVEN, ABORTED */
async function dial(
  clock: Clock,
  reach: (address: PeerAddress, signal: AbortSignal) => Promise<ByteChannel>,
  address: PeerAddress,
  { signal }: AbortOptions,
): Promise<ByteChannel> {
  throwIfAborted(signal)
  const limit = deadline(clock, swarmLimits.dialTimeoutMs, signal)
  try {
    return await reach(address, limit.signal)
  } catch (err) {
    if (signal?.aborted === true && !hasCode(signal.reason, 'REQUEST_TIMEOUT')) {
      throw appError('ABORTED', { cause: signal.reason })
    }
    if (hasCode(err, 'PEER_UNPROVEN', 'PEER_CLOSED')) throw err
    const detail = { ...address, unreachable: true }
    throw appError('PEER_CLOSED', { message: 'the peer cannot be reached', detail, cause: err })
  } finally {
    limit.release()
  }
}

async function dialPlain(shared: Buffer, address: PeerAddress, signal: AbortSignal): Promise<ByteChannel> {
  let channel: StreamChannel | undefined
  const socket = connect({
    ...address,
    noDelay: true,
    onread: {
      buffer: shared,
      callback(length, buffer) {
        channel?.deliver(buffer.subarray(0, length))
        return channel?.paused !== true
      },
    },
  })
  try {
    await connected(socket, signal)
    channel = streamChannel(socket, address)
    return channel
  } catch (err) {
    socket.on('error', () => undefined)
    socket.destroy()
    throw err
  }
}

function connected(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let takeBack: () => void = () => undefined
    const done = (settle: () => void) => {
      socket.off('connect', onConnect)
      socket.off('error', onError)
      takeBack()
      settle()
    }
    const onConnect = () => {
      // Otherwise the socket would start reading before it has a reader.
      socket.pause()
      done(resolve)
    }
    const onError = (err: Error) => done(() => reject(err))
    const aborted = () => done(() => reject(appError('ABORTED', { cause: signal.reason })))
    socket.once('connect', onConnect)
    socket.once('error', onError)
    takeBack = onAbort(signal, aborted)
  })
}
