import {
  type AbortOptions,
  type AppError,
  appError,
  type Clock,
  type Deferred,
  deadline,
  deferred,
  onAbort,
  toAppError,
} from '../../base/index.ts'
import { type PeerAddress, parsePeerId } from '../../core/index.ts'
import { swarmLimits } from '../limits.ts'
import type { ExtensionOffer } from './extension-handshake.ts'
import { type FrameReader, frameReader } from './frame-reader.ts'
import { Greeting } from './greeting.ts'
import { type Handshake, type ReceivedHandshake, readHandshake } from './handshake.ts'
import { type IdleCount, idleCount } from './idle-count.ts'
import { readLaneMessage } from './lane-messages.ts'
import { LaneTable } from './lane-table.ts'
import { type LinkOutput, linkOutput } from './link-output.ts'
import { EXTENDED, lengthRules, MESSAGE, readUint32 } from './messages.ts'
import { watchdog } from './watchdog.ts'
import type { LaneInit, Link, Wire, WireHello, WireInit } from './wire-contract.ts'

/**
 * Exchanges both handshakes. The channel is destroyed when it fails.
 * @throws WIRE_HANDSHAKE_FAILED (wrong, late, another blob, ourselves), PEER_UNPROVEN, WIRE_FRAME_INVALID, ABORTED
 */
export async function openLink(
  { clock }: { readonly clock: Clock },
  init: WireInit,
  { signal }: AbortOptions = {},
): Promise<Link> {
  const limit = deadline(clock, swarmLimits.handshakeTimeoutMs, signal)
  const link = new ConnectedLink(clock, init)
  const takeBack = onAbort(limit.signal, () => link.close(limit.expired ? link.late : appError('ABORTED')))
  try {
    if (limit.signal.aborted) throw appError('ABORTED')
    const received =
      init.received ??
      (await readHandshake(init.channel, clock, { timeoutMs: swarmLimits.handshakeTimeoutMs, signal: limit.signal }))
    await link.shakeHands(received)
    return link
  } catch (err) {
    const reason = limit.expired ? link.late : toAppError(err)
    link.close(reason)
    throw reason
  } finally {
    takeBack()
    limit.release()
  }
}

const failed = (message: string) => appError('WIRE_HANDSHAKE_FAILED', { message })
const KEEP_ALIVE = new Uint8Array(4)
/** Messages about the swarm of the lane that is selected. */
const OF_A_LANE: readonly number[] = [EXTENDED.busy, EXTENDED.haves, EXTENDED.pullClass]

class ConnectedLink implements Link {
  readonly #clock: Clock
  readonly #init: WireInit
  readonly #greeting: Greeting
  readonly #output: LinkOutput
  readonly #idle: IdleCount = idleCount()
  readonly #agreed: Deferred<void> = deferred()
  #hello: WireHello | undefined
  #lanes: LaneTable | undefined
  #first: Wire | undefined
  #reader: FrameReader | undefined
  #wasInUse = true
  #stopWatch: () => void = () => undefined
  #receivedBytes = 0
  #closed = false

  constructor(clock: Clock, init: WireInit) {
    this.#clock = clock
    this.#init = init
    this.#output = linkOutput(init.channel, () =>
      this.close(appError('WIRE_QUEUE_FULL', { message: 'the peer does not read what we send' })),
    )
    this.#greeting = new Greeting({
      wire: init,
      idle: this.#idle,
      write: (bytes) => this.#output.write(bytes),
      onAgreed: (offer, peerId) => this.#agree(offer, peerId),
      onFailure: (err) => this.close(err),
    })
  }

  get hello(): WireHello {
    if (this.#hello === undefined) throw failed('the handshakes are not through')
    return this.#hello
  }

  get remote(): PeerAddress {
    return this.#init.channel.remote
  }

  get direction(): 'dialled' | 'accepted' {
    return this.#init.received === undefined ? 'dialled' : 'accepted'
  }

  get first(): Wire {
    if (this.#first === undefined) throw failed('the handshakes are not through')
    return this.#first
  }

  get inUse(): boolean {
    return !this.#closed && this.#lanes?.inUse === true
  }

  get mayOpen(): boolean {
    return !this.#closed && this.#lanes?.mayOpen === true
  }

  /** Why the handshakes are not through when their time is over. */
  get late(): AppError {
    return this.#greeting.late
  }

  open(lane: LaneInit, { signal }: AbortOptions): Promise<Wire> {
    if (this.#closed || this.#lanes === undefined) return Promise.reject(appError('PEER_CLOSED'))
    return this.#lanes.open(lane, signal)
  }

  /** Reads the other side's handshake and waits for its extension handshake. */
  async shakeHands({ handshake, rest }: ReceivedHandshake): Promise<void> {
    this.#greeting.check(handshake)
    const lanes = this.#laneTable(handshake)
    this.#lanes = lanes
    this.#first = lanes.first(this.#init)
    const reader = this.#frameReader(lanes)
    this.#reader = reader
    this.#stopWatch = this.#watch(lanes, reader)
    this.#init.channel.read({
      onBytes: (chunk) => this.#onBytes(reader, chunk),
      onClose: (cause) => this.close(appError('PEER_CLOSED', { cause })),
    })
    this.#greeting.begin(handshake)
    this.#onBytes(reader, rest)
    await this.#agreed.promise
  }

  close(err?: AppError): void {
    if (this.#closed) return
    this.#closed = true
    this.#reader?.stop()
    this.#stopWatch()
    this.#greeting.stop()
    this.#init.channel.destroy()
    this.#output.stop()
    this.#agreed.reject(err ?? appError('PEER_CLOSED'))
    if (this.#hello === undefined) return
    this.#lanes?.close(err)
    this.#init.owner?.onGone(this)
  }

  #laneTable({ fast, extended }: Handshake): LaneTable {
    const { owner, channel } = this.#init
    const offers = (what: 'lanes' | 'haves' | 'wants' | 'classes') => this.#greeting.offer?.[what] === true
    return new LaneTable({
      host: {
        ...{ clock: this.#clock, output: this.#output, idle: this.#idle, fast, extended },
        foreign: this.#init.infoHash !== undefined,
        haves: () => offers('haves'),
        wants: () => offers('wants'),
        classes: () => offers('classes'),
        hello: () => this.hello,
      },
      dialled: this.direction === 'dialled',
      owner: () => (offers('lanes') ? owner : undefined),
      idle: this.#idle,
      onLane: (lane) => owner?.onLane({ ...lane, link: this }),
      onUse: () => this.#onUse(),
      onStart: () => {
        if (!this.#closed) channel.resume()
      },
      onFailure: (err) => this.close(err),
    })
  }

  #frameReader(lanes: LaneTable): FrameReader {
    const linkRules = lengthRules(0)
    return frameReader((id) => (id === MESSAGE.extended ? linkRules(id) : lanes.selected.rules(id)), {
      onKeepAlive: () => this.#idle.add(),
      onMessage: (id, body) => this.#onMessage(lanes, id, body),
      onBlockStart: (block) => {
        this.#greeting.needHello()
        return lanes.selected.takeBlockStart(block)
      },
      onBlockEnd: (target) => lanes.selected.takeBlockEnd(target),
    })
  }

  #watch(lanes: LaneTable, reader: FrameReader): () => void {
    return watchdog(this.#clock, {
      sample: () => ({
        unfinished: reader.unfinished,
        messages: reader.count,
        receivedBytes: this.#receivedBytes,
        writtenBytes: this.#output.writtenBytes,
        pendingBytes: this.#output.pendingBytes,
      }),
      onStall: (err) => this.close(err),
      onQuiet: () => this.#output.write(KEEP_ALIVE),
      onMinute: () => this.#onMinute(lanes),
    })
  }

  #onMinute(lanes: LaneTable): void {
    this.#idle.forget()
    try {
      lanes.minute()
    } catch (err) {
      this.close(toAppError(err))
    }
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

  #onMessage(lanes: LaneTable, id: number, body: Uint8Array): void {
    const greeting = this.#greeting
    if (greeting.takes(id, body)) return
    if (id === MESSAGE.request || id === MESSAGE.cancel || id === MESSAGE.reject) greeting.needHello()
    if (greeting.settled) this.#dispatch(lanes, id, body)
    else {
      const kept = Uint8Array.from(body)
      greeting.inOrder(() => this.#dispatch(lanes, id, kept))
    }
  }

  #dispatch(lanes: LaneTable, id: number, body: Uint8Array): void {
    if (this.#closed) return
    if (id !== MESSAGE.extended) {
      lanes.selected.take(id, body)
      return
    }
    const kind = body[0]
    const payload = body.subarray(1)
    if (this.#hello === undefined || this.#hello.foreign) this.#idle.add()
    else if (kind !== undefined && OF_A_LANE.includes(kind)) lanes.selected.takeExtended(kind, payload)
    else if (kind === EXTENDED.want && this.#init.self.role === 'origin') lanes.selected.takeExtended(kind, payload)
    else if (kind === EXTENDED.lane && this.#shares) lanes.take(readLaneMessage(payload))
    else if (kind === EXTENDED.select && this.#shares && payload.length === 4) lanes.select(readUint32(payload, 0))
    else this.#idle.add()
  }

  /** Both sides share the link among swarms. */
  get #shares(): boolean {
    return this.#init.owner !== undefined && this.#greeting.offer?.lanes === true
  }

  #agree({ foreign, role, listenPort, zone, blockLength }: ExtensionOffer, peerId: string): void {
    this.#hello = { foreign, role, listenPort, zone, blockLength, peerId: parsePeerId(peerId) }
    this.#init.channel.pause()
    this.#init.owner?.onLink(this)
    this.#agreed.resolve()
  }

  #onUse(): void {
    const { inUse } = this
    if (inUse === this.#wasInUse) return
    this.#wasInUse = inUse
    this.#init.owner?.onUse(this)
  }
}
