import { createHash } from 'node:crypto'
import { type AppError, appError, type Background, throwIfAborted, toAppError } from '../../base/index.ts'
import { type Digest, digestAlgorithm, digestFromHex } from '../../core/index.ts'
import type { Arrival } from './arrival.ts'
import type { Content } from './content.ts'
import { SLICE_LENGTH } from './slice-cache.ts'

export interface CompletionInit {
  readonly digest: Digest
  readonly arrival: Pick<Arrival, 'content' | 'verified'>
  readonly tasks: Background
  /** `whole`: the origin's word is not enough, the digest is computed here. */
  readonly verify: 'pieces' | 'whole'
}

/** What the last steps of a pull lead to; each call is one event. */
export interface CompletionEvents {
  /** The digest holds: withheld bytes may go out. */
  onVerified(): void
  /** The blob is complete in the store. */
  onComplete(): void
  /** The bytes are not those of the digest. */
  onWrong(err: AppError): void
  /** The store could not read or complete the blob. It is tried again; readers go on as far as they may. */
  onStepFailed(err: AppError): void
}

/** All pieces are here for this long and nobody says `verified`: the digest is computed here. */
const PATIENCE_MS = 2_000
/** Between two tries of a step that failed. */
const RETRY_MS = 2_000

/** The end of a pull: every piece on disk, the digest verified, the partial made a complete blob. */
export class Completion {
  readonly #init: CompletionInit
  readonly #events: CompletionEvents
  #filledAtMs: number | undefined
  /** A step is under way, or the last one has been taken. */
  #busy = false
  /** The last step failed; the next look begins a pause. */
  #failed = false
  #notBeforeMs = Number.NEGATIVE_INFINITY

  constructor(init: CompletionInit, events: CompletionEvents) {
    this.#init = init
    this.#events = events
  }

  /** The origin has verified the digest over the pieces of the log. */
  verified(): void {
    if (this.#init.verify === 'whole' || this.#init.arrival.verified) return
    this.#init.arrival.verified = true
    this.#events.onVerified()
    this.#finish()
  }

  /** A piece came, or time passed. */
  settle(nowMs: number): void {
    if (!this.#init.arrival.content.have.complete) return
    this.#filledAtMs ??= nowMs
    if (this.#failed) {
      this.#failed = false
      this.#notBeforeMs = nowMs + RETRY_MS
    }
    if (nowMs < this.#notBeforeMs) return
    if (this.#init.arrival.verified) this.#finish()
    else if (this.#init.verify === 'whole' || nowMs - this.#filledAtMs >= PATIENCE_MS) this.#check()
  }

  #check(): void {
    const { arrival, digest } = this.#init
    this.#step('check-digest', async (signal) => {
      const right = (await digestOfContent(arrival.content, digest, signal)) === digest
      return () => (right ? this.#onRight() : this.#onWrong())
    })
  }

  #onRight(): void {
    this.#busy = false
    this.#init.arrival.verified = true
    this.#events.onVerified()
    this.#finish()
  }

  #onWrong(): void {
    this.#events.onWrong(appError('METAINFO_FAILED', { message: 'the bytes are not those of the digest' }))
  }

  #finish(): void {
    const { partial, have } = this.#init.arrival.content
    if (partial === undefined || !have.complete) return
    this.#step('complete-blob', async () => {
      await partial.complete()
      return () => this.#events.onComplete()
    })
  }

  /** One at a time. One that fails is tried again by a later `settle`, or the last bytes would be withheld for ever. */
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
        this.#events.onStepFailed(toAppError(err, 'STORE_CORRUPT'))
        return
      }
      goOn()
    })
  }
}

async function digestOfContent(content: Content, expected: Digest, signal: AbortSignal): Promise<Digest> {
  const algorithm = digestAlgorithm(expected)
  const hash = createHash(algorithm)
  const { length } = content.map
  const slice = Buffer.allocUnsafeSlow(Math.min(length, SLICE_LENGTH))
  for (let start = 0; start < length; start += SLICE_LENGTH) {
    throwIfAborted(signal)
    const end = Math.min(length, start + SLICE_LENGTH)
    hash.update(await content.read({ start, end }, slice.subarray(0, end - start)))
  }
  return digestFromHex(algorithm, hash.digest('hex'))
}
