import type { PieceMap } from '../../../lib/core/index.ts'
import type { Happening } from './timeline.ts'
import type { Passenger } from './turns.ts'

/** A peer that is asked for pieces of one torrent. */
interface AskedPeer {
  readonly mine: { readonly map: Pick<PieceMap, 'sizeOf'> }
}

/** What becomes of a request. */
export interface AskSteps<Peer extends AskedPeer> {
  /** It has come to the peer. */
  asked(ask: AskOf<Peer>, nowMs: number): void
  /** An origin does not give it now. */
  refused(ask: AskOf<Peer>, nowMs: number): void
  arrived(ask: AskOf<Peer>, nowMs: number): void
  checked(ask: AskOf<Peer>, nowMs: number): void
}

/** One piece on its way from one peer, from the request until it is stored. */
export class AskOf<Peer extends AskedPeer> implements Passenger, Happening {
  readonly connection: Peer
  readonly piece: number
  readonly tokens: number
  readonly madeMs: number
  /** When it left the node, after its turn in the download rate. */
  askedMs: number | undefined
  /** With a refusal: when asking again makes sense. */
  retryMs = 0
  readonly #steps: AskSteps<Peer>
  /** Withdrawn, or here. */
  over = false
  /** The other request for the same piece. */
  other: AskOf<Peer> | undefined
  step: keyof AskSteps<Peer> = 'asked'

  constructor(connection: Peer, piece: number, init: { readonly madeMs: number; readonly steps: AskSteps<Peer> }) {
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
