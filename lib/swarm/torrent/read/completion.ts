import { type Alarm, type AppError, type Background, toAppError, type Wheel } from '../../../base/index.ts'
import type { Digest } from '../../../core/index.ts'
import type { PieceDigester } from '../../../metainfo/index.ts'
import type { VerifiedPiece } from '../shared/verified-piece.ts'
import type { Arrival } from './arrival.ts'
import { WholeDigest } from './whole-digest.ts'

export interface CompletionInit {
  readonly digest: Digest
  readonly arrival: Pick<Arrival, 'content' | 'verified' | 'hashed' | 'isBridged' | 'map' | 'has' | 'show'>
  readonly tasks: Background
  readonly wheel: Wheel
  readonly digester: Pick<PieceDigester, 'running'>
  /** `whole`: the metainfo alone is not trusted; the digest is computed here. */
  readonly verify: 'pieces' | 'whole'
}

/** The results of the last steps of a pull; each call is one event. */
export interface CompletionEvents {
  /** While the disk is full: the digest is further, and so may readers be. */
  onHashed(): void
  /** The digest holds: withheld bytes may go out. */
  onVerified(): void
  /** The blob is complete in the store. */
  onComplete(): void
  /** The content does not match the digest, although each piece matches its hash. No further step is taken. */
  onWrong(): void
  /** The store could not read or complete the blob. The step is retried; meanwhile readers go on as far as they may. */
  onStepFailed(err: AppError): void
}

/** When all pieces have been here for this long without a `verified` record, the digest is computed here. */
const PATIENCE_MS = 2_000
/** Between two tries of a step that failed. */
const RETRY_MS = 2_000

/**
 * Finishes a pull: waits until every piece is on disk, verifies the digest, and turns the partial into a complete blob.
 */
export class Completion {
  readonly #init: CompletionInit
  readonly #events: CompletionEvents
  readonly #whole: WholeDigest
  /** Due when time alone may let it go on. */
  readonly #again: Alarm
  #filledAtMs: number | undefined
  /** A step is under way, or the last one has been taken. */
  #busy = false
  /** The last step failed; the next look begins a pause. */
  #failed = false
  #notBeforeMs = Number.NEGATIVE_INFINITY

  constructor(init: CompletionInit, events: CompletionEvents) {
    this.#init = init
    this.#events = events
    const onHashed = () => {
      if (init.arrival.isBridged) events.onHashed()
    }
    this.#whole = new WholeDigest({ ...init, onHashed })
    this.#again = init.wheel.alarm((nowMs) => this.settle(nowMs))
  }

  /** The origin has verified the digest over the pieces of the log. */
  verified(): void {
    if (this.#init.verify === 'whole' || this.#init.arrival.verified) return
    this.#onRight()
  }

  /**
   * Call it with a piece before it is stored. Whoever stores the piece must free its memory with the returned function.
   */
  offer(piece: number, { bytes, free }: VerifiedPiece): () => void {
    if (!this.#isComputed || this.#init.arrival.verified) return free
    let holders = 2
    const letGo = () => {
      holders -= 1
      if (holders === 0) free()
    }
    if (!this.#whole.offer(piece, { bytes, free: letGo })) return free
    if (!this.#failed) this.#check()
    return letGo
  }

  /** A piece came, or the blob was opened. */
  settle(nowMs: number): void {
    const { arrival } = this.#init
    const { complete } = arrival.content.have
    if (complete) this.#filledAtMs ??= nowMs
    if (this.#failed) {
      this.#failed = false
      this.#notBeforeMs = nowMs + RETRY_MS
    }
    const filledAtMs = this.#filledAtMs ?? Number.POSITIVE_INFINITY
    if (nowMs < this.#notBeforeMs) this.#again.by(this.#notBeforeMs)
    else if (arrival.verified) this.#finish()
    else if (this.#isComputed || nowMs >= filledAtMs + PATIENCE_MS) this.#check()
    else this.#again.by(filledAtMs + PATIENCE_MS)
  }

  /** On a full disk pieces pass once: who waits for the word of an origin could not compute the digest any more. */
  get #isComputed(): boolean {
    return this.#init.verify === 'whole' || this.#init.arrival.isBridged
  }

  /** Frees what it holds. Call it when all its tasks have ended. */
  close(): void {
    this.#again.cancel()
    this.#whole.close()
  }

  #check(): void {
    if (!this.#whole.canAdvance) return
    this.#step('check-digest', async (signal) => {
      const right = await this.#whole.advance(signal)
      return () => {
        if (right === undefined) this.#goOn()
        else if (right) this.#onRight()
        else this.#events.onWrong()
      }
    })
  }

  /** More pieces may have come meanwhile. */
  #goOn(): void {
    this.#busy = false
    this.#check()
  }

  #onRight(): void {
    this.#busy = false
    this.#init.arrival.verified = true
    this.#events.onVerified()
    this.#finish()
  }

  #finish(): void {
    const { partial, have } = this.#init.arrival.content
    if (partial === undefined || !have.complete) return
    this.#step('complete-blob', async () => {
      await partial.complete()
      return () => this.#events.onComplete()
    })
  }

  /**
   * Runs one step at a time. A failed step is retried by a later `settle`; otherwise the last bytes would never be
   * given out.
   */
  #step(name: string, take: (signal: AbortSignal) => Promise<() => void>): void {
    if (this.#busy) return
    this.#busy = true
    this.#init.tasks.run(name, async (signal) => {
      let goOn: () => void
      try {
        goOn = await take(signal)
      } catch (err) {
        if (signal.aborted) return
        this.#busy = false
        this.#failed = true
        this.#again.by(this.#init.wheel.nowMs)
        this.#events.onStepFailed(toAppError(err, 'STORE_CORRUPT'))
        return
      }
      goOn()
    })
  }
}
