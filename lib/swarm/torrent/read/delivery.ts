import { type Alarm, type AppError, type Background, toAppError, type Wheel } from '../../../base/index.ts'
import type { Digest } from '../../../core/index.ts'
import type { PieceDigester } from '../../../metainfo/index.ts'
import type { ArrivingContent } from '../shared/content.ts'
import type { VerifiedPiece } from '../shared/verified-piece.ts'
import { Arrival, type ArrivalInit } from './arrival.ts'
import { Completion } from './completion.ts'
import type { Readers } from './readers.ts'

export interface DeliveryComponents extends Omit<ArrivalInit, 'content' | 'onForgotten'> {
  readonly wheel: Wheel
  readonly digester: Pick<PieceDigester, 'running'>
}

export interface DeliveryInit {
  readonly digest: Digest
  readonly verify: 'pieces' | 'whole'
  readonly content: ArrivingContent
  readonly readers: Readers
  readonly tasks: Background
}

/** What a delivery tells its pull; each call is one event, and none comes after `stop`. */
export interface DeliveryEvents {
  /** A piece is on disk. */
  onPiece(piece: number): void
  /** A piece was only in memory, and is here no longer. */
  onForgotten(piece: number): void
  /** The digest holds, so the hashes of the pieces are right. */
  onVerified(): void
  /** The blob is complete in the store. */
  onComplete(): void
  /** The content does not match the digest, although each piece matches its hash. */
  onWrong(): void
  onStepFailed(err: AppError): void
  /** The disk has taken what it had refused: more is worth fetching. */
  onRelieved(): void
}

/** So long after the disk refused a piece, it is asked again whether it has room for what waits in memory. */
const ROOM_MS = 2_000

/** Where verified pieces go: to the disk, to the readers, and into the check of the whole. */
export class Delivery {
  readonly arrival: Arrival
  readonly #wheel: Wheel
  readonly #readers: Readers
  readonly #tasks: Background
  readonly #events: DeliveryEvents
  readonly #completion: Completion
  readonly #writes = new Set<Promise<void>>()
  /** Due when the disk may have room again. */
  readonly #room: Alarm
  /** What waits in memory is being written. */
  #clearing = false
  #stopped = false

  constructor(components: DeliveryComponents, init: DeliveryInit, events: DeliveryEvents) {
    const arrival = new Arrival({
      ...components,
      content: init.content,
      onForgotten: (piece) => this.#tell(() => events.onForgotten(piece)),
    })
    this.arrival = arrival
    this.#wheel = components.wheel
    this.#room = components.wheel.alarm(() => this.#clear())
    this.#readers = init.readers
    this.#tasks = init.tasks
    this.#events = events
    this.#completion = new Completion(
      { ...init, arrival, wheel: components.wheel, digester: components.digester },
      {
        onHashed: () => init.readers.releaseAll(),
        onVerified: () => {
          events.onVerified()
          init.readers.releaseAll()
        },
        onComplete: () => this.#tell(() => events.onComplete()),
        onWrong: () => events.onWrong(),
        onStepFailed: (err) => events.onStepFailed(err),
      },
    )
  }

  /** The origin has verified the digest over the pieces of the log. */
  verified(): void {
    this.#completion.verified()
  }

  /** Checks what an earlier run has left; to be called once, when everything is in place. */
  open(): void {
    this.#completion.settle(this.#wheel.nowMs)
  }

  /** Takes over a verified piece; resolves when it is stored, or could not be stored. `close` waits for it. */
  take(piece: number, verified: VerifiedPiece): Promise<void> {
    const write = this.#store(piece, verified).finally(() => this.#writes.delete(write))
    this.#writes.add(write)
    return write
  }

  /** From now on it tells nothing; what is being written goes on. */
  stop(): void {
    this.#stopped = true
    this.#room.cancel()
  }

  /** Nothing of it stays in memory. Call it when all its tasks have ended. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#writes)
    this.#completion.close()
    this.arrival.close()
  }

  async #store(piece: number, verified: VerifiedPiece): Promise<void> {
    const { arrival } = this
    const free = this.#completion.offer(piece, verified)
    const isHeldBack = () => arrival.isBridged
    const wasHeldBack = isHeldBack()
    const failure = await arrival.take(piece, { ...verified, free }, () => this.#readers.positions(arrival.map))
    this.#tell(() => {
      if (failure !== undefined) this.#refused(failure)
      else this.#stored(piece)
      if (wasHeldBack && !isHeldBack()) this.#readers.releaseAll()
      else this.#readers.releaseFor(piece, arrival.map)
      this.#completion.settle(this.#wheel.nowMs)
    })
  }

  #refused(failure: AppError): void {
    this.#events.onStepFailed(failure)
    if (this.arrival.crowded) this.#room.by(this.#wheel.nowMs + ROOM_MS)
  }

  #stored(piece: number): void {
    this.#events.onPiece(piece)
    if (this.arrival.crowded) this.#clear()
  }

  /** Writes what waits in memory, one piece after the other, as long as the disk takes it. */
  #clear(): void {
    if (this.#clearing || this.#stopped) return
    this.#clearing = true
    this.#tasks.run('clear-overflow', async () => {
      await this.#clearAll()
      this.#clearing = false
    })
  }

  async #clearAll(): Promise<void> {
    try {
      while (!this.#stopped) {
        const piece = await this.arrival.settleOne()
        if (piece === undefined) break
        this.#tell(() => this.#events.onPiece(piece))
      }
      this.#tell(() => {
        this.#readers.releaseAll()
        this.#completion.settle(this.#wheel.nowMs)
        this.#events.onRelieved()
      })
    } catch (err) {
      this.#tell(() => this.#refused(toAppError(err, 'STORE_FULL')))
    }
  }

  #tell(event: () => void): void {
    if (!this.#stopped) event()
  }
}
