import type { AppError } from '../../../base/index.ts'
import type { Block, PeerConnection, RequestEvents } from '../../peer/index.ts'

/**
 * Requests one block, in as many requests as the agreed block length requires. When one of them fails, the others are
 * withdrawn. The result withdraws all.
 */
export function requestBlock(
  connection: PeerConnection,
  block: Block,
  into: Uint8Array,
  events: RequestEvents,
): () => void {
  if (block.length <= connection.hello.blockLength) return connection.request(block, into, events)
  const parts = new Parts(events)
  parts.request(connection, block, into)
  return () => parts.withdraw()
}

class Parts implements RequestEvents {
  readonly #events: RequestEvents
  readonly #withdrawals: (() => void)[] = []
  #open = 0
  #over = false

  constructor(events: RequestEvents) {
    this.#events = events
  }

  request(connection: PeerConnection, block: Block, into: Uint8Array): void {
    const step = connection.hello.blockLength
    this.#open = Math.ceil(block.length / step)
    for (let at = 0; at < block.length; at += step) {
      const length = Math.min(step, block.length - at)
      const part = { piece: block.piece, offset: block.offset + at, length }
      this.#withdrawals.push(connection.request(part, into.subarray(at, at + length), this))
    }
  }

  withdraw(): void {
    this.#over = true
    for (const withdraw of this.#withdrawals) withdraw()
  }

  onBlock(): void {
    this.#open -= 1
    if (this.#open === 0 && !this.#over) this.#events.onBlock()
  }

  onFailed(err: AppError): void {
    if (this.#over) return
    this.withdraw()
    this.#events.onFailed(err)
  }

  onUnwanted(bytes: number): void {
    this.#events.onUnwanted(bytes)
  }
}
