import Protocol from 'bittorrent-protocol'
import { type AppError, Bitset, toAppError } from '../../base/index.ts'

/** What the other side said, as the library understood it; in the order of the messages. */
export interface CoreEvents {
  /** The extension handshake of BEP 10, decoded. */
  onExtended(handshake: Readonly<Record<string, unknown>>): void
  onChoke(choked: boolean): void
  onInterest(interested: boolean): void
  onHave(piece: number): void
  /** Bitfield, have-all or have-none: the pieces of the other side. */
  onHaveSet(have: Bitset): void
  onSuggest(piece: number): void
  onFailure(err: AppError): void
}

export interface CoreInit {
  /** Hex. */
  readonly swarmId: string
  readonly peerId: string
  /** Fields of our extension handshake. */
  readonly extendedHandshake: Readonly<Record<string, unknown>>
  readonly pieces: number
  /** Gets the bytes that the library wants to send; called from within the methods of `send`. */
  readonly output: (bytes: Uint8Array) => void
  readonly events: CoreEvents
}

/** The messages that the library writes. */
export interface CoreSender {
  choke(choked: boolean): void
  interest(interested: boolean): void
  have(piece: number): void
  haveSet(have: Bitset): void
  suggest(piece: number): void
  keepAlive(): void
}

/**
 * `bittorrent-protocol` behind the guard. It gets whole messages, and each message makes it emit exactly one event a
 * moment later; `inOrder` places the messages that we read ourselves at the right position among these events.
 */
export interface ProtocolCore {
  readonly send: CoreSender
  /** Takes a whole handshake or message that the guard has passed, and copies it. */
  feed(head: Uint8Array, body?: Uint8Array): void
  /** Runs `work` when the events of everything fed so far have been emitted: at once when none is outstanding. */
  inOrder(work: () => void): void
  /** No event comes after this. */
  destroy(): void
}

export function protocolCore(init: CoreInit): ProtocolCore {
  return new Core(init)
}

interface Later {
  readonly after: number
  readonly work: () => void
}

class Core implements ProtocolCore {
  readonly send: CoreSender
  readonly #protocol = new Protocol()
  readonly #init: CoreInit
  readonly #later: Later[] = []
  /** The bitfield being processed; the library's event passes it on in another form. */
  #haveSet: Bitset
  #fed = 0
  #told = 0
  #destroyed = false

  constructor(init: CoreInit) {
    this.#init = init
    this.#haveSet = new Bitset(init.pieces)
    this.#protocol.extendedHandshake = { ...init.extendedHandshake }
    this.#listen()
    this.send = this.#sender()
    this.#protocol.handshake(init.swarmId, init.peerId, { fast: true })
    this.#flush()
  }

  feed(head: Uint8Array, body?: Uint8Array): void {
    const id = head.length === 5 ? head[4] : undefined
    if (id === 5 && body !== undefined) this.#haveSet = Bitset.from(this.#init.pieces, body)
    this.#fed += 1
    this.#protocol.write(Buffer.concat(body === undefined ? [head] : [head, body]))
  }

  inOrder(work: () => void): void {
    if (this.#told === this.#fed) work()
    else this.#later.push({ after: this.#fed, work })
  }

  destroy(): void {
    this.#destroyed = true
    this.#later.length = 0
    this.#protocol.destroy()
  }

  #listen(): void {
    const { events, pieces } = this.#init
    const tell =
      <A extends readonly unknown[]>(handle: (...args: A) => void) =>
      (...args: A) =>
        this.#tell(() => handle(...args))
    this.#protocol
      .on(
        'handshake',
        tell(() => undefined),
      )
      .on(
        'extended',
        tell((_, handshake: Readonly<Record<string, unknown>>) => events.onExtended(handshake)),
      )
      .on(
        'choke',
        tell(() => events.onChoke(true)),
      )
      .on(
        'unchoke',
        tell(() => events.onChoke(false)),
      )
      .on(
        'interested',
        tell(() => events.onInterest(true)),
      )
      .on(
        'uninterested',
        tell(() => events.onInterest(false)),
      )
      .on(
        'have',
        tell((piece: number) => events.onHave(piece)),
      )
      .on(
        'bitfield',
        tell(() => events.onHaveSet(this.#haveSet)),
      )
      .on(
        'have-all',
        tell(() => events.onHaveSet(Bitset.full(pieces))),
      )
      .on(
        'have-none',
        tell(() => events.onHaveSet(new Bitset(pieces))),
      )
      .on(
        'suggest',
        tell((piece: number) => events.onSuggest(piece)),
      )
      .on('readable', () => this.#flush())
      .on('error', (err) => this.#fail(toAppError(err, 'WIRE_FRAME_INVALID')))
  }

  /** The library calls this from a microtask, so no error may escape from here. */
  #tell(event: () => void): void {
    if (this.#destroyed) return
    try {
      // What the library has to say already goes out in front of what the event makes us say.
      this.#flush()
      event()
      this.#told += 1
      this.#flush()
      for (let next = this.#later[0]; next !== undefined && next.after <= this.#told; next = this.#later[0]) {
        this.#later.shift()
        next.work()
      }
    } catch (err) {
      this.#fail(toAppError(err))
    }
  }

  #fail(err: AppError): void {
    if (!this.#destroyed) this.#init.events.onFailure(err)
  }

  #sender(): CoreSender {
    const protocol = this.#protocol
    const then =
      <A extends readonly unknown[]>(send: (...args: A) => void) =>
      (...args: A) => {
        send(...args)
        this.#flush()
      }
    return {
      choke: then((choked: boolean) => (choked ? protocol.choke() : protocol.unchoke())),
      interest: then((interested: boolean) => (interested ? protocol.interested() : protocol.uninterested())),
      have: then((piece: number) => protocol.have(piece)),
      haveSet: then((have: Bitset) => {
        if (!protocol.hasFast) protocol.bitfield(have.toBytes())
        else if (have.complete) protocol.haveAll()
        else if (have.count === 0) protocol.haveNone()
        else protocol.bitfield(have.toBytes())
      }),
      suggest: then((piece: number) => {
        if (protocol.hasFast) protocol.suggest(piece)
      }),
      keepAlive: then(() => protocol.keepAlive()),
    }
  }

  #flush(): void {
    for (let bytes = this.#protocol.read(); bytes !== null; bytes = this.#protocol.read()) this.#init.output(bytes)
  }
}
