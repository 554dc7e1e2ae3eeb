import type { Readable } from 'node:stream'
import { type Deferred, deferred } from '../../../lib/base/index.ts'
import { type Digest, PieceMap } from '../../../lib/core/index.ts'
import type { PartialBlob, PartialBlobs, Sidecars } from '../../../lib/store/index.ts'
import { type Intake, intake } from './intake.ts'

export type Source = 'backend' | 'origin'

export interface IntakeSlotStore extends PartialBlobs, Sidecars {}

export interface IntakeSlotComponents {
  readonly store: IntakeSlotStore
  /** Payload bytes that came in, by where from. */
  readonly onReceived: (from: Source, bytes: number) => void
}

/**
 * The place of one blob's intake: empty until its length is known, filled again when an intake was spoilt. It takes no
 * bytes itself (`Intake` does), and chooses no source (`IngestRun` does).
 */
export interface IntakeSlot {
  readonly intake: Intake | undefined
  /** Bytes taken in all. */
  readonly received: number
  /** Not all of the intake came from the backend while it was in this slot: others may have spoilt it. */
  readonly mixed: boolean
  /** The intake, once there is one; undefined when the slot is closed without need of it. @throws as `close` */
  opened(): Promise<Intake | undefined>
  /** Goes on with what an earlier run has left, if it has. */
  resume(): Promise<void>
  /** The intake for a blob of `length` bytes; one of another length is dropped. */
  open(length: number): Promise<Intake>
  /** As `Intake.take`, into the open intake; destroys `body` at the end. */
  take(from: Source, body: Readable, end: number): Promise<void>
  /** Removes what is here; whoever reads it fails with `reason`. */
  drop(reason: Error): Promise<void>
  /** With an error, readers of what is missing fail with it; what is here stays. */
  close(err?: unknown): void
}

/** The partial blob that an earlier run has left, or one that is in use now. */
export async function partialOf(store: PartialBlobs, digest: Digest): Promise<PartialBlob | undefined> {
  const known = (await store.partials()).find((partial) => partial.digest === digest)
  return known && store.openPartial(digest, new PieceMap(known.map.length))
}

async function* counted(body: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    count(chunk.byteLength)
    yield chunk
  }
}

class BlobIntakeSlot implements IntakeSlot {
  readonly #components: IntakeSlotComponents
  readonly #digest: Digest
  #intake: Intake | undefined
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
    this.#intake?.end()
    return this.#begin(await this.#components.store.openPartial(this.#digest, new PieceMap(length)))
  }

  async take(from: Source, body: Readable, end: number): Promise<void> {
    if (from === 'origin') this.#mixed = true
    const count = (bytes: number) => {
      this.#received += bytes
      this.#components.onReceived(from, bytes)
    }
    try {
      await this.#intake?.take(counted(body, count), end)
    } finally {
      body.destroy()
    }
  }

  async drop(reason: Error): Promise<void> {
    const dropped = this.#intake
    if (dropped === undefined) return
    this.#intake = undefined
    this.#opened = deferred()
    dropped.end(reason)
    await dropped.partial.discard(reason)
  }

  close(err?: unknown): void {
    this.#intake?.end(err)
    if (err === undefined) this.#opened.resolve(undefined)
    else this.#opened.reject(err)
  }

  #begin(partial: PartialBlob): Intake {
    this.#mixed = partial.have.count > 0
    this.#intake = intake(this.#components.store, partial)
    this.#opened.resolve(this.#intake)
    return this.#intake
  }
}

export function intakeSlot(components: IntakeSlotComponents, digest: Digest): IntakeSlot {
  return new BlobIntakeSlot(components, digest)
}
