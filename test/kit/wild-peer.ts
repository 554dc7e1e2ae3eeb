import { Bitset, type Random } from '../../lib/base/index.ts'
import type { MetaInfoHeader, PeerId, PieceMap } from '../../lib/core/index.ts'
import type { Block, PeerConnection } from '../../lib/swarm/peer/index.ts'
import { wireConnection } from '../../lib/swarm/peer/wire-connection.ts'
import { frameReader } from '../../lib/swarm/wire/frame-reader.ts'
import type { Wire, WireEvents } from '../../lib/swarm/wire/index.ts'
import {
  encodeBlockMessage,
  encodePieceHeader,
  lengthRules,
  MESSAGE,
  readUint32,
} from '../../lib/swarm/wire/messages.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'

export interface WildBlob {
  readonly bytes: Uint8Array
  readonly header: MetaInfoHeader
  readonly map: PieceMap
}

export interface WildPeerInit {
  readonly blob: WildBlob
  readonly id: PeerId
  /** The longest request that the peer accepts. */
  readonly blockLength: number
  readonly random: Random
}

/**
 * The victim's real connection, request table and frame reader, with a misbehaving peer at the other end: it answers in
 * any order, twice, late or in part, also after it has rejected the request or was choked, and then often with wrong
 * bytes.
 */
export interface WildPeer {
  readonly connection: PeerConnection
  readonly closed: boolean
  /** Does one random thing; awaits nothing. */
  act(): void
  close(): void
}

interface Asked {
  readonly block: Block
  /** The request was rejected, answered or cancelled; any further answer to it is a violation. */
  spent: boolean
  rejected: boolean
}

/** Number of answered requests kept for a second answer. */
const MAX_ASKED = 40

export async function wildPeer({ blob, id, blockLength, random }: WildPeerInit): Promise<WildPeer> {
  const wild = new Wild(blob, random)
  const connection = await wireConnection({
    header: blob.header,
    address: { host: '10.6.6.6', port: 6 },
    direction: 'dialled',
    role: 'agent',
    logger: silentLogger(),
    open: (events) => wild.open(events, { id, blockLength }),
  })
  return Object.assign(wild, { connection })
}

class Wild {
  closed = false
  readonly #blob: WildBlob
  readonly #random: Random
  #asked: Asked[] = []
  /** Bytes that were not yet delivered to the victim. */
  #outbox: Uint8Array = new Uint8Array(0)
  #events: WireEvents | undefined
  #push: (bytes: Uint8Array) => void = () => undefined

  constructor(blob: WildBlob, random: Random) {
    this.#blob = blob
    this.#random = random
  }

  async open(events: (wire: Wire) => WireEvents, { id, blockLength }: { id: PeerId; blockLength: number }) {
    const nothing = () => undefined
    const wire: Wire = {
      hello: { foreign: false, peerId: id, role: 'agent', listenPort: undefined, blockLength },
      fast: true,
      send: {
        choke: nothing,
        interest: nothing,
        have: nothing,
        haveSet: nothing,
        suggest: nothing,
        pullClass: nothing,
      },
      pendingBytes: 0,
      pullClass: 'normal',
      start: () => {
        this.#events?.onHaveSet(Bitset.full(this.#blob.map.count))
        this.#events?.onChoke(false)
      },
      sendBlockMessage: (kind, block) => this.#told(kind, block),
      sendBlock: nothing,
      sendBusy: nothing,
      sendWant: nothing,
      whenUnread: (then) => then(),
      close: () => this.close(),
    }
    const listener = events(wire)
    this.#events = listener
    const reader = frameReader(lengthRules(this.#blob.map.count), {
      onKeepAlive: nothing,
      onMessage: (message, body) => {
        const block = { piece: readUint32(body, 0), offset: readUint32(body, 4), length: readUint32(body, 8) }
        if (message === MESSAGE.reject) listener.onReject(block)
      },
      onBlockStart: (block) => listener.onBlockStart(block),
      onBlockEnd: (target) => listener.onBlockEnd(target),
    })
    this.#push = (bytes) => {
      try {
        reader.push(bytes)
      } catch {
        this.close()
      }
      if (this.closed) reader.stop()
    }
    return wire
  }

  act(): void {
    if (this.closed) return
    const dice = this.#random.next()
    if (dice < 0.55) this.#flow()
    else if (dice < 0.94) this.#answer(this.#pick((asked) => !asked.spent))
    else if (dice < 0.98) this.#reject(this.#pick((asked) => !asked.spent))
    else if (dice < 0.985) this.#answer(this.#pick((asked) => asked.spent))
    else if (dice < 0.995) this.#choke()
    else if (dice < 0.997) this.close()
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    queueMicrotask(() => this.#events?.onClose(undefined))
  }

  #told(kind: 'request' | 'cancel' | 'reject', block: Block): void {
    const isSame = ({ block: other }: Asked) => other.piece === block.piece && other.offset === block.offset
    if (kind === 'request') this.#asked.push({ block, spent: false, rejected: false })
    for (const asked of kind === 'cancel' ? this.#asked.filter(isSame) : []) asked.spent = true
    if (this.#asked.length > MAX_ASKED)
      this.#asked.splice(
        this.#asked.findIndex(({ spent }) => spent),
        1,
      )
  }

  #pick(which: (asked: Asked) => boolean): Asked | undefined {
    const some = this.#asked.filter(which)
    return some[Math.floor(this.#random.next() * some.length)]
  }

  #answer(asked: Asked | undefined): void {
    if (asked === undefined) return
    const { block, spent } = asked
    const start = this.#blob.map.rangeOf(block.piece).start + block.offset
    const right = this.#blob.bytes.subarray(start, start + block.length)
    const lies = this.#random.next() < (spent || this.#gaveUp(block.piece) ? 0.5 : 0.001)
    const payload = lies ? new Uint8Array(block.length).fill(0x66) : right
    this.#outbox = Buffer.concat([this.#outbox, encodePieceHeader(block), payload])
    asked.spent = true
  }

  /** Whether it has rejected a block of the piece: then wrong bytes may hit a piece that was finished without it. */
  #gaveUp(piece: number): boolean {
    return this.#asked.some(({ block, rejected }) => rejected && block.piece === piece)
  }

  #reject(asked: Asked | undefined): void {
    if (asked === undefined) return
    this.#outbox = Buffer.concat([this.#outbox, encodeBlockMessage(MESSAGE.reject, asked.block)])
    asked.spent = true
    asked.rejected = true
  }

  #flow(): void {
    const length = Math.ceil(this.#random.next() ** 2 * 300_000)
    const part = Uint8Array.from(this.#outbox.subarray(0, length))
    this.#outbox = this.#outbox.subarray(part.length)
    this.#push(part)
  }

  #choke(): void {
    this.#events?.onChoke(true)
    for (const asked of this.#asked.filter(({ spent }) => !spent)) this.#reject(asked)
    this.#events?.onChoke(false)
  }
}
