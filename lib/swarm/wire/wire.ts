import { type AppError, appError, type Clock, type Deferred, deadline, deferred, toAppError } from '../../base/index.ts'
import { type PeerInfo, PieceMap, parsePeerId } from '../../core/index.ts'
import { swarmLimits } from '../limits.ts'
import { BUSY_ID, type Denial, encodeBusy, readBusy } from './busy-message.ts'
import { extensionHandshake, FOREIGN_HELLO, nonceIn, readExtension } from './extension-handshake.ts'
import { type FrameGuard, frameGuard } from './frame-guard.ts'
import { type FrameReader, frameReader } from './frame-reader.ts'
import { type Handshake, type ReceivedHandshake, readHandshake } from './handshake.ts'
import { type Membership, membership, type PeerProver, PROOF_ID, unproven } from './membership.ts'
import {
  encodeBlockMessage,
  encodeExtended,
  encodePieceHeader,
  lengthRules,
  MESSAGE,
  readUint32,
  type WireBlock,
} from './messages.ts'
import { type CoreSender, type ProtocolCore, protocolCore } from './protocol-core.ts'
import { watchdog } from './watchdog.ts'
import type { Wire, WireEvents, WireHello, WireInit } from './wire-contract.ts'

/**
 * Exchanges both handshakes. The channel is destroyed when it fails.
 * @throws WIRE_HANDSHAKE_FAILED (wrong, late, another blob, ourselves), PEER_UNPROVEN, WIRE_FRAME_INVALID, ABORTED
 */
export async function openWire(
  { clock }: { readonly clock: Clock },
  init: WireInit,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Wire> {
  const limit = deadline(clock, swarmLimits.handshakeTimeoutMs, signal)
  const wire = new ConnectedWire(clock, init)
  const giveUp = () => wire.close(limit.expired ? wire.late : appError('ABORTED'))
  limit.signal.addEventListener('abort', giveUp, { once: true })
  try {
    if (limit.signal.aborted) throw appError('ABORTED')
    const received =
      init.received ??
      (await readHandshake(init.channel, clock, { timeoutMs: swarmLimits.handshakeTimeoutMs, signal: limit.signal }))
    await wire.shakeHands(received)
    return wire
  } catch (err) {
    const reason = limit.expired ? wire.late : toAppError(err)
    wire.close(reason)
    throw reason
  } finally {
    limit.signal.removeEventListener('abort', giveUp)
    limit.release()
  }
}

const failed = (message: string) => appError('WIRE_HANDSHAKE_FAILED', { message })

class ConnectedWire implements Wire {
  readonly #clock: Clock
  readonly #init: WireInit
  readonly #core: ProtocolCore
  readonly #events: WireEvents
  readonly #map: PieceMap
  readonly #agreed: Deferred<void> = deferred()
  readonly #membership: Membership | undefined
  /** What their extension handshake said; believed once they have proven themselves. */
  #offer: WireHello | undefined
  #handshake: Handshake | undefined
  #reader: FrameReader | undefined
  #hello: WireHello | undefined
  #stopWatch: () => void = () => undefined
  #receivedBytes = 0
  #writtenBytes = 0
  #closed = false

  constructor(clock: Clock, init: WireInit) {
    this.#clock = clock
    this.#init = init
    this.#map = new PieceMap(init.header.length, init.header.pieceLength)
    this.#events = init.events(this)
    this.#membership = init.prover && this.#proofs(init.prover)
    this.#core = protocolCore({
      swarmId: init.swarmId,
      peerId: init.self.peerId,
      extendedHandshake: extensionHandshake({ ...init.self, header: init.header, nonce: this.#membership?.nonce }),
      pieces: this.#map.count,
      output: (bytes) => this.#write(bytes),
      events: {
        ...this.#events,
        onExtended: (handshake) => this.#onExtended(handshake),
        onFailure: (err) => this.close(err),
      },
    })
  }

  get hello(): WireHello {
    if (this.#hello === undefined) throw appError('WIRE_HANDSHAKE_FAILED')
    return this.#hello
  }

  /** Why the handshakes are not through when their time is over. */
  get late(): AppError {
    const waits = this.#membership?.waiting === true
    return waits ? unproven('no proof came in time') : failed('the handshake came too late')
  }

  get fast(): boolean {
    return this.#handshake?.fast === true
  }

  get send(): CoreSender {
    return this.#core.send
  }

  get pendingBytes(): number {
    return this.#init.channel.pendingBytes
  }

  /** Reads the other side's handshake and waits for its extension handshake. */
  async shakeHands({ handshake, rest }: ReceivedHandshake): Promise<void> {
    this.#check(handshake)
    const guard = frameGuard({ map: this.#map, fast: handshake.fast })
    const reader = this.#frameReader(guard)
    this.#handshake = handshake
    this.#reader = reader
    this.#stopWatch = this.#watch(guard, reader)
    this.#init.channel.read({
      onBytes: (chunk) => this.#onBytes(reader, chunk),
      onClose: (cause) => this.close(appError('PEER_CLOSED', { cause })),
    })
    this.#core.feed(handshake.bytes)
    if (!handshake.extended) this.#agree({ ...FOREIGN_HELLO, peerId: parsePeerId(handshake.peerId) })
    this.#onBytes(reader, rest)
    await this.#agreed.promise
  }

  start(): void {
    if (!this.#closed) this.#init.channel.resume()
  }

  sendBlockMessage(kind: 'request' | 'cancel' | 'reject', block: WireBlock): void {
    this.#write(encodeBlockMessage(MESSAGE[kind], block))
  }

  sendBusy(peers: readonly PeerInfo[], denial?: Denial): void {
    if (this.#handshake?.extended === true) this.#write(encodeBusy(peers, denial))
  }

  sendBlock(block: WireBlock, bytes: Uint8Array, onFlushed: () => void): void {
    this.#write(encodePieceHeader(block))
    this.#write(bytes, onFlushed)
  }

  close(err?: AppError): void {
    if (this.#closed) return
    this.#closed = true
    this.#reader?.stop()
    this.#stopWatch()
    this.#core.destroy()
    this.#init.channel.destroy()
    this.#agreed.reject(err ?? appError('PEER_CLOSED'))
    if (this.#hello !== undefined) queueMicrotask(() => this.#events.onClose(err))
  }

  #check({ swarmId, peerId, fast, extended }: Handshake): void {
    const init = this.#init
    if (swarmId !== init.swarmId) throw failed('the other side means another swarm')
    if (peerId === init.self.peerId) throw failed('the other side is ourselves')
    if (!this.#takesForeign && !(fast && extended)) throw failed('the other side does not speak our extension')
  }

  #frameReader(guard: FrameGuard): FrameReader {
    const events = this.#events
    return frameReader(lengthRules(this.#map.count), {
      onKeepAlive: () => guard.countIdle(),
      onMessage: (id, body) => this.#onMessage(guard, id, body),
      onBlockStart: (block) => {
        this.#checkBlock(guard, block)
        return events.onBlockStart(block)
      },
      onBlockEnd: (target) => events.onBlockEnd(target),
    })
  }

  #watch(guard: FrameGuard, reader: FrameReader): () => void {
    return watchdog(this.#clock, {
      sample: () => ({
        unfinished: reader.unfinished,
        messages: reader.count,
        receivedBytes: this.#receivedBytes,
        writtenBytes: this.#writtenBytes,
        pendingBytes: this.pendingBytes,
      }),
      onStall: (err) => this.close(err),
      onQuiet: () => this.send.keepAlive(),
      onMinute: () => guard.forgetIdle(),
    })
  }

  #onBytes(reader: FrameReader, chunk: Uint8Array): void {
    if (this.#closed) return
    this.#receivedBytes += chunk.length
    try {
      reader.push(chunk)
    } catch (err) {
      this.close(toAppError(err))
    }
  }

  #onMessage(guard: FrameGuard, id: number, body: Uint8Array): void {
    if (this.#membership?.takes(id, body) === true) return
    if (id === MESSAGE.extended && body[0] === BUSY_ID && guard.sawExtended) {
      const busy = readBusy(body.subarray(1))
      // The other side answers a request with it, which the receiver checks.
      if (busy.denial === undefined) guard.countIdle()
      this.#core.inOrder(() => this.#events.onBusy(busy))
      return
    }
    if (id !== MESSAGE.request && id !== MESSAGE.cancel && id !== MESSAGE.reject) {
      if (guard.judge(id, body) === 'pass') this.#core.feed(messageHead(id, body.length), body)
      return
    }
    const block = { piece: readUint32(body, 0), offset: readUint32(body, 4), length: readUint32(body, 8) }
    this.#checkBlock(guard, block)
    const events = this.#events
    this.#core.inOrder(() => {
      if (id === MESSAGE.request) events.onRequest(block)
      else if (id === MESSAGE.cancel) events.onCancel(block)
      else events.onReject(block)
    })
  }

  #checkBlock(guard: FrameGuard, block: WireBlock): void {
    guard.checkBlock(block)
    // The library reports the extension handshake a moment after its bytes; what follows has to wait for that.
    if (this.#handshake?.extended === true && !guard.sawExtended) {
      throw appError('WIRE_FRAME_INVALID', { message: 'a message about a block came before the extension handshake' })
    }
  }

  #onExtended(fields: Readonly<Record<string, unknown>>): void {
    const handshake = this.#handshake
    if (handshake === undefined || this.#hello !== undefined) return
    const extension = readExtension(fields, this.#init.header, this.#takesForeign)
    this.#offer = { ...extension, peerId: parsePeerId(handshake.peerId) }
    if (this.#membership === undefined) this.#agree(this.#offer)
    else this.#membership.onHello(handshake.peerId, nonceIn(fields))
  }

  #proofs(prover: PeerProver): Membership {
    const { swarmId, self, received } = this.#init
    return membership({
      ...{ prover, swarmId, peerId: self.peerId, side: received === undefined ? 'dialler' : 'accepter' },
      send: (proof) => this.#write(encodeExtended(PROOF_ID, proof)),
      inOrder: (work) => this.#core.inOrder(work),
      onProven: () => this.#offer && this.#agree(this.#offer),
    })
  }

  get #takesForeign(): boolean {
    return this.#init.foreignPeers && this.#init.prover === undefined
  }

  #agree(hello: WireHello): void {
    this.#hello = hello
    this.#init.channel.pause()
    this.#agreed.resolve()
  }

  #write(bytes: Uint8Array, onFlushed?: () => void): void {
    if (this.#closed) return
    const { channel } = this.#init
    this.#writtenBytes += bytes.length
    channel.write(bytes, onFlushed)
    if (channel.pendingBytes > swarmLimits.maxSendQueueBytes) {
      this.close(appError('WIRE_QUEUE_FULL', { message: 'the peer does not read what we send' }))
    }
  }
}

function messageHead(id: number, bodyLength: number): Uint8Array {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(1 + bodyLength, 0)
  head.writeUInt8(id, 4)
  return head
}
