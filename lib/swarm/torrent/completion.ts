import { createHash } from 'node:crypto'
import { type AppError, appError, type Background, throwIfAborted, toAppError } from '../../base/index.ts'
import { type Digest, digestAlgorithm, digestFromHex } from '../../core/index.ts'
import type { Arrival } from './arrival.ts'
import type { Content } from './content.ts'
import { SLICE_LENGTH } from './slice-cache.ts'

export interface CompletionInit {
  readonly digest: Digest
  readonly arrival: Arrival
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
  /** The store could not complete the blob; readers go on all the same. */
  onStepFailed(err: AppError): void
}

/** All pieces are here for this long and nobody says `verified`: the digest is computed here. */
const PATIENCE_MS = 2_000

/** The end of a pull: every piece on disk, the digest verified, the partial made a complete blob. */
export class Completion {
  readonly #init: CompletionInit
  readonly #events: CompletionEvents
  #filledAtMs: number | undefined
  #checking = false
  #finishing = false

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
    if (this.#init.arrival.verified) this.#finish()
    else if (this.#init.verify === 'whole' || nowMs - this.#filledAtMs >= PATIENCE_MS) this.#check()
  }

  #check(): void {
    if (this.#checking) return
    this.#checking = true
    const { arrival, digest, tasks } = this.#init
    tasks.run('check-digest', async (signal) => {
      const found = await digestOfContent(arrival.content, digest, signal)
      if (found !== digest) {
        this.#events.onWrong(appError('METAINFO_FAILED', { message: 'the bytes are not those of the digest' }))
        return
      }
      arrival.verified = true
      this.#events.onVerified()
      this.#finish()
    })
  }

  #finish(): void {
    const { content } = this.#init.arrival
    const { partial } = content
    if (this.#finishing || partial === undefined || !content.have.complete) return
    this.#finishing = true
    this.#init.tasks.run('complete-blob', async () => {
      try {
        await partial.complete()
      } catch (err) {
        this.#events.onStepFailed(toAppError(err, 'STORE_CORRUPT'))
        return
      }
      this.#events.onComplete()
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
