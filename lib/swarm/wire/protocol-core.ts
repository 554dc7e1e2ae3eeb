import Protocol from 'bittorrent-protocol'
import { type AppError, toAppError } from '../../base/index.ts'

/** What the other side said, as the library understood it; in the order of the messages. */
export interface CoreEvents {
  /** The extension handshake of BEP 10, decoded. */
  onExtended(handshake: Readonly<Record<string, unknown>>): void
  onFailure(err: AppError): void
}

export interface CoreInit {
  /** Hex. */
  readonly swarmId: string
  readonly peerId: string
  /** Fields of our extension handshake. */
  readonly extendedHandshake: Readonly<Record<string, unknown>>
  /** Gets the bytes that the library wants to send. */
  readonly output: (bytes: Uint8Array) => void
  readonly events: CoreEvents
}

/**
 * `bittorrent-protocol` as far as the two handshakes go. It gets the whole handshakes of the other side, and each makes
 * it emit exactly one event a moment later; `inOrder` places what came meanwhile behind these events.
 */
export interface ProtocolCore {
  /** Takes a whole handshake or extension handshake that was checked, and copies it. */
  feed(bytes: Uint8Array): void
  /** Nothing that was fed is still to be told, so that `inOrder` runs its work at once. */
  readonly settled: boolean
  /** Runs `work` when the events of everything fed so far have been emitted. */
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
  readonly #protocol = new Protocol()
  readonly #init: CoreInit
  readonly #later: Later[] = []
  #fed = 0
  #told = 0
  #destroyed = false

  constructor(init: CoreInit) {
    this.#init = init
    this.#protocol.extendedHandshake = { ...init.extendedHandshake }
    this.#protocol
      .on('handshake', () => this.#tell(() => undefined))
      .on('extended', (_, handshake) => this.#tell(() => init.events.onExtended(handshake)))
      .on('readable', () => this.#flush())
      .on('error', (err) => this.#fail(toAppError(err, 'WIRE_FRAME_INVALID')))
    this.#protocol.handshake(init.swarmId, init.peerId, { fast: true })
    this.#flush()
  }

  get settled(): boolean {
    return this.#told === this.#fed
  }

  feed(bytes: Uint8Array): void {
    this.#fed += 1
    this.#protocol.write(Uint8Array.from(bytes))
  }

  inOrder(work: () => void): void {
    if (this.settled) work()
    else this.#later.push({ after: this.#fed, work })
  }

  destroy(): void {
    this.#destroyed = true
    this.#later.length = 0
    this.#protocol.destroy()
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

  #flush(): void {
    for (let bytes = this.#protocol.read(); bytes !== null; bytes = this.#protocol.read()) this.#init.output(bytes)
  }
}
