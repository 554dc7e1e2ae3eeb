import type { Readable } from 'node:stream'
import { appError, type Deferred, deferred } from '../../../lib/base/index.ts'
import { type Digest, PieceMap } from '../../../lib/core/index.ts'
import type { Hashing } from '../../../lib/metainfo/index.ts'
import type { PartialBlob, PartialBlobs, Sidecars } from '../../../lib/store/index.ts'
import type { ArrivingSeed, OnWanted } from '../../../lib/swarm/index.ts'
import type { FillTurns } from './fill-turns.ts'
import { type Intake, intake } from './intake.ts'
import type { IntakePart } from './intake-part.ts'

export type Source = 'backend' | 'origin'

export interface IntakeSlotStore extends PartialBlobs, Sidecars {}

export interface IntakeSlotComponents {
  readonly store: IntakeSlotStore
  readonly hashing: Hashing
  /** Counts payload bytes by their source. */
  readonly onReceived: (from: Source, bytes: number) => void
  /** As `IntakeComponents.holdWhole`. */
  readonly holdWhole: () => () => void
  /** Called when an intake begins: tells others what comes, and hears what they want of it. */
  readonly seedArriving: (partial: PartialBlob, onWanted: OnWanted) => ArrivingSeed
}

/**
 * Holds the intake of one blob: empty until the length is known, and filled again after an intake was spoilt. `Intake`
 * takes the bytes, and `IngestRun` chooses the source.
 */
export interface IntakeSlot {
  readonly intake: Intake | undefined
  /** Bytes taken by all intakes of this slot. */
  readonly received: number
  /** Some bytes of the current intake did not come from the backend, or came before this run: they may be wrong. */
  readonly mixed: boolean
  /** Waits for the intake; undefined when the slot is closed because no intake is needed. @throws as `close` */
  opened(): Promise<Intake | undefined>
  /** Reopens the partial blob that an earlier run left, if there is one. */
  resume(): Promise<void>
  /** The intake for a blob of `length` bytes; an intake of another length is dropped first. */
  open(length: number): Promise<Intake>
  /** Calls `IntakePart.take` of a part of the open intake, as `turns` lets it, and destroys `body` at the end. */
  take(from: Source, part: IntakePart, body: Readable, turns?: Pick<FillTurns, 'next'>): Promise<void>
  /** Removes the bytes that are here; their readers fail with `reason`. */
  drop(reason: Error): Promise<void>
  /** The blob is whole; or, with an error, readers of missing bytes fail with it, and the bytes that are here stay. */
  close(err?: unknown): void
}

/** The partial blob that an earlier run left, or the one that is in use. */
export async function partialOf(store: PartialBlobs, digest: Digest): Promise<PartialBlob | undefined> {
  const known = (await store.partials()).find((partial) => partial.digest === digest)
  return known && store.openPartial(digest, new PieceMap(known.map.length))
}

async function* counted(
  body: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
  turns: Pick<FillTurns, 'next'> | undefined,
): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    if (turns !== undefined) await turns.next(chunk.byteLength)
    count(chunk.byteLength)
    yield chunk
  }
}

class BlobIntakeSlot implements IntakeSlot {
  readonly #components: IntakeSlotComponents
  readonly #digest: Digest
  #intake: Intake | undefined
  #seed: ArrivingSeed | undefined
  #opened: Deferred<Intake | undefined> = deferred()
  #received = 0
  #mixed = false

  constructor(components: IntakeSlotComponents, digest: Digest) {
    this.#components = components
    this.#digest = digest
  }

  get intake() {
    return this.#intake
  }

  get received() {
    return this.#received
  }

  get mixed() {
    return this.#mixed
  }

  async opened() {
    return this.#intake ?? this.#opened.promise
  }

  async resume(): Promise<void> {
    const left = await partialOf(this.#components.store, this.#digest)
    if (left !== undefined) this.#begin(left)
  }

  async open(length: number): Promise<Intake> {
    if (this.#intake?.partial.map.length === length) return this.#intake
    this.#end(appError('PEER_CLOSED', { message: 'the blob has another length' }))
    return this.#begin(await this.#components.store.openPartial(this.#digest, new PieceMap(length)))
  }

  async take(from: Source, part: IntakePart, body: Readable, turns?: Pick<FillTurns, 'next'>): Promise<void> {
    if (from === 'origin') this.#mixed = true
    const count = (bytes: number) => {
      this.#received += bytes
      this.#components.onReceived(from, bytes)
    }
    try {
      await part.take(counted(body, count, turns))
    } finally {
      body.destroy()
    }
  }

  async drop(reason: Error): Promise<void> {
    const dropped = this.#intake
    if (dropped === undefined) return
    this.#end(reason)
    this.#intake = undefined
    this.#opened = deferred()
    await dropped.partial.discard(reason)
  }

  close(err?: unknown): void {
    this.#end(err)
    if (err === undefined) {
      this.#seed?.whole()
      this.#opened.resolve(undefined)
    } else this.#opened.reject(err)
  }

  #end(reason: unknown): void {
    this.#intake?.end(reason)
    if (reason !== undefined) this.#seed?.failed()
  }

  #begin(partial: PartialBlob): Intake {
    this.#mixed = partial.have.count > 0
    const { store, hashing, holdWhole, seedArriving } = this.#components
    const seed = seedArriving(partial, (ranges, priority) => {
      if (this.#intake?.partial === partial) this.#intake.want(ranges, priority)
    })
    this.#seed = seed
    this.#intake = intake({ sidecars: store, hashing, holdWhole, onPiece: (piece) => seed.arrived(piece) }, partial)
    this.#opened.resolve(this.#intake)
    return this.#intake
  }
}

export function intakeSlot(components: IntakeSlotComponents, digest: Digest): IntakeSlot {
  return new BlobIntakeSlot(components, digest)
}
