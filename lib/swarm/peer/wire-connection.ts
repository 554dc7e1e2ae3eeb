import { type AppError, appError, Bitset, toAppError } from '../../base/index.ts'
import { type PeerAddress, type PeerInfo, type PeerRole, PieceMap, type PullClass } from '../../core/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { BlockTarget, Denial, SwarmHeader, Want, Wire, WireEvents, WireInit } from '../wire/index.ts'
import { type EventQueue, eventQueue } from './event-queue.ts'
import type { Block, PeerConnection, PeerEvents, PeerHello, PeerStats, RequestEvents } from './peer-connection.ts'
import { type OpenRequest, type RequestTable, requestTable } from './request-table.ts'
import { type UploadQueue, uploadQueue } from './upload-queue.ts'

export interface WireConnectionInit {
  readonly header: SwarmHeader
  readonly address: PeerAddress
  readonly direction: PeerHello['direction']
  /** What the other side is, by who named it; what it says itself is not believed. */
  readonly role: PeerRole
  readonly logger: Logger
  /** Opens a wire; `events` gives its listener. */
  readonly open: (events: WireInit['events']) => Promise<Wire>
}

/** A connection over a wire, after both handshakes. @throws what `open` throws */
export async function wireConnection(init: WireConnectionInit): Promise<PeerConnection> {
  let connection: WireConnection | undefined
  const wire = await init.open((opening) => {
    connection = new WireConnection(init, opening)
    return connection.listener()
  })
  if (connection === undefined) {
    wire.close()
    throw appError('WIRE_HANDSHAKE_FAILED')
  }
  return connection
}

class WireConnection implements PeerConnection {
  readonly remoteHave: Bitset
  choked = true
  readonly #wire: Wire
  readonly #side: Pick<PeerHello, 'address' | 'direction' | 'role'>
  readonly #queue: EventQueue
  readonly #requests: RequestTable
  readonly #uploads: UploadQueue
  #hello: PeerHello | undefined
  #receivedBytes = 0
  #closed = false

  constructor({ header, logger, address, direction, role }: WireConnectionInit, wire: Wire) {
    this.#wire = wire
    this.#side = { address, direction, role }
    this.remoteHave = new Bitset(new PieceMap(header.length, header.pieceLength).count)
    this.#requests = requestTable({ answersCancels: () => wire.fast })
    this.#uploads = uploadQueue(wire)
    this.#queue = eventQueue((err) => {
      logger.error('failed to handle an event of a peer', { err })
      this.close(toAppError(err))
    })
  }

  get hello(): PeerHello {
    this.#hello ??= { ...this.#wire.hello, ...this.#side }
    return this.#hello
  }

  get stats(): PeerStats {
    return { receivedBytes: this.#receivedBytes, sentBytes: this.#uploads.sentBytes }
  }

  get pullClass(): PullClass {
    return this.#wire.pullClass
  }

  get openRequests(): number {
    return this.#requests.size
  }

  attach(events: PeerEvents): void {
    this.#queue.attach(events, () => this.#wire.start())
  }

  request(block: Block, into: Uint8Array, events: RequestEvents): () => void {
    try {
      const request = this.#open(block, into, events)
      return () => this.#withdraw(request)
    } catch (err) {
      let withdrawn = false
      queueMicrotask(() => {
        if (!withdrawn) events.onFailed(toAppError(err))
      })
      return () => {
        withdrawn = true
      }
    }
  }

  sendHave(piece: number): void {
    // An origin wants to know who has what; a peer only who has what it lacks.
    if (this.#closed || (this.remoteHave.has(piece) && this.hello.role !== 'origin')) return
    this.#wire.send.have(piece)
  }

  sendBitfield(have: Bitset): void {
    if (!this.#closed) this.#wire.send.haveSet(have)
  }

  sendChoke(choked: boolean): void {
    if (this.#closed) return
    this.#wire.send.choke(choked)
    this.#uploads.choke(choked)
  }

  sendInterested(interested: boolean): void {
    if (!this.#closed) this.#wire.send.interest(interested)
  }

  sendWant(want: Want): void {
    if (!this.#closed) this.#wire.sendWant(want)
  }

  sendClass(pullClass: PullClass): void {
    if (!this.#closed) this.#wire.send.pullClass(pullClass)
  }

  sendSuggest(piece: number): void {
    if (!this.#closed) this.#wire.send.suggest(piece)
  }

  sendBusy(peers: readonly PeerInfo[], denial?: Denial): void {
    if (!this.#closed) this.#wire.sendBusy(peers, denial)
  }

  sendBlock(block: Block, bytes: Uint8Array): Promise<void> {
    return this.#uploads.answer(block, bytes)
  }

  sendReject(block: Block): void {
    if (!this.#closed) this.#uploads.reject(block)
  }

  close(err?: AppError): void {
    this.#wire.close(err)
    this.#onGone(err)
  }

  #open(block: Block, into: Uint8Array, events: RequestEvents): OpenRequest {
    if (this.#closed) throw appError('PEER_CLOSED')
    if (into.length !== block.length) throw appError('SIZE_INVALID', { detail: { ...block } })
    if (this.choked) throw appError('PEER_REJECTED', { message: 'the peer is choking' })
    const request = this.#requests.open(block, into, events)
    this.#wire.sendBlockMessage('request', block)
    return request
  }

  #withdraw(request: OpenRequest): void {
    try {
      if (this.#requests.cancel(request)) this.#wire.sendBlockMessage('cancel', request.block)
    } catch (err) {
      this.close(toAppError(err))
    }
  }

  /** Ends everything that waits; the wire itself reports the close. */
  #onGone(err: AppError | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#requests.failAll(appError('PEER_CLOSED', err === undefined ? {} : { cause: err }), false)
    this.#wire.whenUnread(() => this.#uploads.close())
  }

  listener(): WireEvents {
    const tell = (event: (events: PeerEvents) => void) => this.#queue.deliver(event)
    return {
      onChoke: (choked) => this.#onChoke(choked),
      onInterest: (interested) => tell((events) => events.onInterest(interested)),
      onHaves: (pieces) => {
        for (const piece of pieces) this.remoteHave.add(piece)
        tell((events) => events.onHave(pieces))
      },
      onHaveSet: (have) => {
        for (const piece of have) this.remoteHave.add(piece)
        tell((events) => events.onHave(undefined))
      },
      onSuggest: (piece) => tell((events) => events.onSuggest(piece)),
      onBusy: ({ peers, denial }) => {
        if (denial !== undefined) this.#requests.denied(denial.piece)
        tell((events) => events.onBusy(peers, denial))
      },
      onWant: (want) => tell((events) => events.onWant(want)),
      onRequest: (block) => {
        if (this.#uploads.asked(block)) tell((events) => events.onRequest(block))
      },
      onCancel: (block) => {
        if (this.#uploads.cancelled(block)) tell((events) => events.onCancel(block))
      },
      onReject: (block) => this.#requests.rejected(block),
      onBlockStart: (block) => this.#requests.arriving(block),
      onBlockEnd: (target) => this.#onBlockEnd(target),
      onClose: (err) => {
        this.#onGone(err)
        tell((events) => events.onClose(err))
      },
    }
  }

  #onChoke(choked: boolean): void {
    this.choked = choked
    // With the fast extension, the other side rejects each request explicitly.
    if (choked && !this.#wire.fast) this.#requests.failAll(appError('PEER_REJECTED'), true)
    this.#queue.deliver((events) => events.onChoke(choked))
  }

  #onBlockEnd(target: BlockTarget): void {
    const request = target as OpenRequest
    this.#receivedBytes += request.block.length
    this.#requests.arrived(request)
  }
}
