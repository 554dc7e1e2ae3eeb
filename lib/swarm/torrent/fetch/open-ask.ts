import type { AppError } from '../../../base/index.ts'
import type { RequestEvents } from '../../peer/index.ts'
import type { Landing } from '../shared/piece-memory.ts'
import type { WasteReason } from '../shared/swarm-meters.ts'
import type { Ask, BlockState, PieceJob } from './piece-job.ts'
import { requestBlock } from './request-block.ts'
import type { Supplier } from './supplier.ts'

/** What becomes of a request. */
export interface AskOutcome {
  /** The block is here. */
  onGiven(ask: OpenAsk): void
  /** It will not come. */
  onFailed(ask: OpenAsk, err: AppError): void
  /** Bytes came after it was withdrawn. */
  onUnwanted(ask: OpenAsk, bytes: number): void
  /** Nobody waits for it any more. */
  onWithdrawn(ask: OpenAsk): void
}

export interface Asked {
  readonly job: PieceJob
  readonly block: BlockState
  readonly peer: Supplier
  /** Another peer was asked for the block as well, and may still give it. */
  readonly isRepeat: boolean
}

const nothing = (): void => undefined

/** One object for each request and nothing else: there are thousands a second. */
export class OpenAsk implements Ask, RequestEvents {
  readonly job: PieceJob
  readonly block: BlockState
  readonly peer: Supplier
  readonly isRepeat: boolean
  readonly landing: Landing
  askedMs: number | undefined
  /** What its bytes count as if they come when nobody waits for them any more. */
  waste: WasteReason = 'dropped'
  /** Tells the connection, or who waits for the rate. */
  unsend: () => void = nothing
  readonly #outcome: AskOutcome

  constructor({ job, block, peer, isRepeat }: Asked, landing: Landing, outcome: AskOutcome) {
    this.job = job
    this.block = block
    this.peer = peer
    this.isRepeat = isRepeat
    this.landing = landing
    this.#outcome = outcome
  }

  /** Surely no byte of it came or will come: it was never sent, or rejected, and not in parts. */
  isVoid(err: AppError | undefined): boolean {
    if (this.askedMs === undefined) return true
    return err?.code === 'PEER_REJECTED' && this.block.length <= this.peer.connection.hello.blockLength
  }

  send(nowMs: number): void {
    const { job, block, peer, landing } = this
    this.askedMs = nowMs
    const wanted = { piece: job.piece, offset: block.offset, length: block.length }
    this.unsend = requestBlock(peer.connection, wanted, landing.into, this)
  }

  onBlock(): void {
    this.#outcome.onGiven(this)
  }

  onFailed(err: AppError): void {
    this.#outcome.onFailed(this, err)
  }

  onUnwanted(bytes: number): void {
    this.#outcome.onUnwanted(this, bytes)
  }

  withdraw(waste: WasteReason): void {
    this.waste = waste
    this.#outcome.onWithdrawn(this)
  }
}
