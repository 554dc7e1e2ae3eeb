import { type AppError, Bitset, type Clock } from '../../base/index.ts'
import { type PeerInfo, PieceMap, type PullClass } from '../../core/index.ts'
import { swarmLimits } from '../limits.ts'
import { type Denial, encodeBusy, readBusy } from './busy-message.ts'
import { encodeClass, readClass } from './class-message.ts'
import type { SwarmHeader } from './extension-handshake.ts'
import { type FrameGuard, frameGuard } from './frame-guard.ts'
import type { BlockTarget } from './frame-reader.ts'
import { readHaves } from './have-batch.ts'
import { type HaveOutbox, haveOutbox } from './have-outbox.ts'
import type { IdleCount } from './idle-count.ts'
import type { LaneReader } from './lane-drain.ts'
import type { LinkOutput } from './link-output.ts'
import { classGate, type MessageGate, wantGate } from './message-gate.ts'
import {
  EXTENDED,
  encodeBlockMessage,
  encodeMessage,
  encodePieceHeader,
  encodePieceMessage,
  type LengthRule,
  lengthRules,
  MESSAGE,
  readUint32,
  type WireBlock,
} from './messages.ts'
import { encodeWant, readWant, type Want } from './want-message.ts'
import type { Wire, WireEvents, WireHello, WireSender } from './wire-contract.ts'

/** What the lanes of one link share. */
export interface LaneHost {
  readonly clock: Clock
  readonly output: LinkOutput
  readonly idle: IdleCount
  readonly fast: boolean
  /** A stock client. */
  readonly foreign: boolean
  /** The other side knows BEP 10, and many new pieces in one message. */
  readonly extended: boolean
  readonly haves: () => boolean
  /** The other side wants to know what it should bring first. */
  readonly wants: () => boolean
  /** The other side serves by class. */
  readonly classes: () => boolean
  readonly hello: () => WireHello
}

export interface LaneSide {
  readonly number: number
  readonly header: SwarmHeader
  readonly events: (wire: Wire) => WireEvents
  /** Before anything is sent for the first time, and when the lane starts. */
  onUse(): void
  onStart(): void
  /** The lane was told to close; its owner calls `end`. */
  onClose(err: AppError | undefined): void
}

/** One swarm on a link. */
export class Lane implements Wire, LaneReader {
  readonly number: number
  readonly header: SwarmHeader
  readonly send: WireSender
  readonly rules: (id: number) => LengthRule
  readonly #host: LaneHost
  readonly #side: LaneSide
  readonly #pieces: number
  readonly #guard: FrameGuard
  readonly #events: WireEvents
  readonly #wants: MessageGate
  readonly #classes: MessageGate
  #outbox: HaveOutbox | undefined
  /** Blocks given to the link and not flushed, and their bytes. */
  #unread = 0
  #pendingBytes = 0
  #whenUnread: (() => void) | undefined
  #ended = false
  pullClass: PullClass = 'normal'

  constructor(host: LaneHost, side: LaneSide) {
    this.#host = host
    this.#side = side
    this.number = side.number
    this.header = side.header
    const map = new PieceMap(side.header.length, side.header.pieceLength)
    this.#pieces = map.count
    this.rules = lengthRules(map.count)
    this.#guard = frameGuard({ map, fast: host.fast, foreign: host.foreign, idle: host.idle })
    this.#wants = wantGate(host.clock)
    this.#classes = classGate(host.clock)
    this.send = this.#sender()
    this.#events = side.events(this)
  }

  get hello(): WireHello {
    return this.#host.hello()
  }

  get fast(): boolean {
    return this.#host.fast
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  start(): void {
    if (this.#ended) return
    this.#side.onUse()
    this.#side.onStart()
  }

  sendBlockMessage(kind: 'request' | 'cancel' | 'reject', block: WireBlock): void {
    this.#write(encodeBlockMessage(MESSAGE[kind], block))
  }

  sendBusy(peers: readonly PeerInfo[], denial?: Denial): void {
    if (this.#host.extended && !this.#host.foreign) this.#write(encodeBusy(peers, denial))
  }

  sendWant(want: Want): void {
    if (this.#host.wants()) this.#write(encodeWant(want))
  }

  sendBlock(block: WireBlock, bytes: Uint8Array, onFlushed: () => void): void {
    if (this.#ended) return
    this.#side.onUse()
    this.#unread += 1
    this.#pendingBytes += bytes.length
    this.#host.output.queueBlock(this.number, {
      head: encodePieceHeader(block),
      bytes,
      pullClass: this.pullClass,
      onFlushed: () => {
        this.#pendingBytes -= bytes.length
        onFlushed()
        this.#onRead()
      },
      onDropped: () => this.#onRead(),
    })
  }

  whenUnread(then: () => void): void {
    if (this.#unread === 0) then()
    else this.#whenUnread = then
  }

  close(err?: AppError): void {
    if (!this.#ended) this.#side.onClose(err)
  }

  /** Nothing comes or goes any more, except blocks that the channel has already. */
  end(err: AppError | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#outbox?.stop()
    this.#host.output.leave(this.number)
    queueMicrotask(() => this.#events.onClose(err))
  }

  take(id: number, body: Uint8Array): void {
    if (this.#ended) return
    if (id === MESSAGE.request || id === MESSAGE.cancel || id === MESSAGE.reject) this.#takeBlockMessage(id, body)
    else if (this.#guard.judge(id, body) === 'pass') this.#tell(id, body)
  }

  takeExtended(id: number, payload: Uint8Array): void {
    if (this.#ended) return
    if (id === EXTENDED.busy) {
      const busy = readBusy(payload)
      // A denial answers a request, which the receiver checks.
      if (busy.denial === undefined) this.#host.idle.add()
      this.#events.onBusy(busy)
    } else if (id === EXTENDED.want) {
      this.#wants.pass()
      this.#events.onWant(readWant(payload, this.header.length))
    } else if (id === EXTENDED.pullClass) {
      this.#classes.pass()
      this.pullClass = readClass(payload)
    } else {
      const fresh = this.#guard.judgeHaves(readHaves(payload))
      if (fresh.length > 0) this.#events.onHaves(fresh)
    }
  }

  takeBlockStart(block: WireBlock): BlockTarget {
    if (this.#ended) return { into: undefined }
    this.#guard.checkBlock(block)
    return this.#events.onBlockStart(block)
  }

  takeBlockEnd(target: BlockTarget): void {
    if (!this.#ended) this.#events.onBlockEnd(target)
  }

  #takeBlockMessage(id: number, body: Uint8Array): void {
    const block = { piece: readUint32(body, 0), offset: readUint32(body, 4), length: readUint32(body, 8) }
    this.#guard.checkBlock(block)
    if (id === MESSAGE.request) this.#events.onRequest(block)
    else if (id === MESSAGE.cancel) this.#events.onCancel(block)
    else this.#events.onReject(block)
  }

  #tell(id: number, body: Uint8Array): void {
    const events = this.#events
    switch (id) {
      case MESSAGE.choke:
      case MESSAGE.unchoke:
        events.onChoke(id === MESSAGE.choke)
        break
      case MESSAGE.interested:
      case MESSAGE.uninterested:
        events.onInterest(id === MESSAGE.interested)
        break
      case MESSAGE.have:
        events.onHaves([readUint32(body, 0)])
        break
      case MESSAGE.suggest:
        events.onSuggest(readUint32(body, 0))
        break
      default:
        events.onHaveSet(this.#haveSet(id, body))
    }
  }

  #haveSet(id: number, body: Uint8Array): Bitset {
    if (id === MESSAGE.haveAll) return Bitset.full(this.#pieces)
    return id === MESSAGE.bitfield ? Bitset.from(this.#pieces, body) : new Bitset(this.#pieces)
  }

  #sender(): WireSender {
    const { fast } = this.#host
    const say = (id: number) => this.#write(encodeMessage(id))
    return {
      choke: (choked) => say(choked ? MESSAGE.choke : MESSAGE.unchoke),
      interest: (interested) => say(interested ? MESSAGE.interested : MESSAGE.uninterested),
      have: (piece) => this.#sendHave(piece),
      haveSet: (have) => {
        if (fast && have.complete) say(MESSAGE.haveAll)
        else if (fast && have.count === 0) say(MESSAGE.haveNone)
        else this.#write(encodeMessage(MESSAGE.bitfield, have.toBytes()))
      },
      suggest: (piece) => {
        if (fast) this.#write(encodePieceMessage(MESSAGE.suggest, piece))
      },
      pullClass: (asked) => {
        if (this.#host.classes()) this.#write(encodeClass(asked))
      },
    }
  }

  #sendHave(piece: number): void {
    if (this.#ended) return
    if (!this.#host.haves()) {
      this.#write(encodePieceMessage(MESSAGE.have, piece))
      return
    }
    const everyMs = this.hello.role === 'origin' ? swarmLimits.originHaveEveryMs : swarmLimits.haveEveryMs
    this.#outbox ??= haveOutbox(this.#host.clock, { everyMs, send: (message) => this.#write(message) })
    this.#outbox.add(piece)
  }

  #write(bytes: Uint8Array): void {
    if (this.#ended) return
    this.#side.onUse()
    this.#host.output.writeOn(this.number, bytes)
  }

  #onRead(): void {
    this.#unread -= 1
    if (this.#unread > 0) return
    const then = this.#whenUnread
    this.#whenUnread = undefined
    then?.()
  }
}
