import type { Connection } from './connection.ts'

import type { Happening } from './timeline.ts'
import type { Passenger } from './turns.ts'

/** What becomes of a request. */
export interface AskSteps {
  /** It has come to the peer. */
  asked(ask: Ask, nowMs: number): void
  /** An origin does not give it now. */
  refused(ask: Ask, nowMs: number): void
  arrived(ask: Ask, nowMs: number): void
  checked(ask: Ask, nowMs: number): void
}

/** One piece on its way from one peer, from the request until it is stored. */
export class Ask implements Passenger, Happening {
  readonly connection: Connection
  readonly piece: number
  readonly tokens: number
  readonly madeMs: number
  /** When it left the node, after its turn in the download rate. */
  askedMs: number | undefined
  /** With a refusal: when asking again makes sense. */
  retryMs = 0
  readonly #steps: AskSteps
  /** Withdrawn, or here. */
  over = false
  /** The other request for the same piece. */
  other: Ask | undefined
  step: keyof AskSteps = 'asked'

  constructor(connection: Connection, piece: number, init: { readonly madeMs: number; readonly steps: AskSteps }) {
    this.connection = connection
    this.piece = piece
    this.tokens = connection.mine.map.sizeOf(piece)
    this.madeMs = init.madeMs
    this.#steps = init.steps
  }

  /** For how long the peer has had to answer. */
  waitedMs(nowMs: number): number {
    return this.askedMs === undefined ? 0 : nowMs - this.askedMs
  }

  happen(nowMs: number): void {
    this.#steps[this.step](this, nowMs)
  }
}
