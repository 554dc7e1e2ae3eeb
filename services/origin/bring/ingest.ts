import { Readable } from 'node:stream'
import {
  type AbortOptions,
  abortable,
  appError,
  hasCode,
  keyedLock,
  type Startable,
  singleFlight,
  slots,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import { type Member, reportFailure } from '../../../lib/cluster/index.ts'
import { type BlobRef, type ByteRange, type ReadPriority, wholeRange } from '../../../lib/core/index.ts'
import type { PartialBlob, StoredBlob } from '../../../lib/store/index.ts'
import { blobKey } from '../blob-keys.ts'
import { askHoldings } from '../ring/holdings.ts'
import type { Holding } from '../ring/siblings.ts'
import { type IngestRun, type IngestRunComponents, type InTurn, ingestRun } from './ingest-run.ts'
import type { ArrivingPieces, Intake, IntakeReading } from './intake.ts'
import { partialOf } from './intake-slot.ts'
import { partialBytes } from './partial-bytes.ts'
import type { SourceKeys } from './source-keys.ts'
import { spareReads } from './spare-reads.ts'

export interface IngestComponents extends IngestRunComponents {
  readonly keys: SourceKeys
}

export interface IngestOptions extends AbortOptions {
  /**
   * The request came from another origin: then look here and at the backend, read it, follow the origin that reads it,
   * or refuse.
   */
  readonly hop: boolean
}

export interface WantOptions extends IngestOptions {
  readonly priority: ReadPriority
}

/** How a range is read. */
export type ReadingOptions = Omit<IntakeReading, 'inTurn'>

/** A blob that is here or is being brought. */
export interface OpenBlob {
  /** Bytes of the whole blob. */
  readonly size: number
  /**
   * The bytes of `range`; returns when the first of them is here. While the blob is being brought they are asked for,
   * come as they arrive and are unverified, except for the last 64 KiB, which wait until the digest is right, unless the
   * range stands alone. The stream fails when the blob cannot be brought.
   */
  readonly read: (range: ByteRange, options?: ReadingOptions) => Promise<Readable>
}

/**
 * Brings blobs that this origin lacks. It is the entrance for all blobs; `IngestRun` brings a single one. The first
 * healthy owner on the ring reads the backend, the others read from that owner meanwhile, and no origin brings a blob
 * twice at a time: so each byte leaves the backend once per cluster. When the reader dies, the next owner goes on with
 * the bytes that the living origins have. Stop it before the local store.
 */
export interface Ingest extends Startable {
  /** Size in bytes, without fetching. @throws BLOB_UNKNOWN, BACKEND_UNAVAILABLE */
  size(blob: BlobRef, options?: IngestOptions): Promise<number>
  /** @throws BLOB_UNKNOWN, DIGEST_REFUSED, NOT_OWNER, BACKEND_CORRUPT, BACKEND_UNAVAILABLE, STORE_FULL */
  ensure(blob: BlobRef, options: IngestOptions): Promise<StoredBlob>
  /** Opens a blob; returns once its size is known. @throws as `ensure` */
  open(blob: BlobRef, options: IngestOptions): Promise<OpenBlob>
  /** The intake of a blob that is being brought; undefined when the blob is complete here. @throws as `ensure` */
  arriving(blob: BlobRef, options: IngestOptions): Promise<ArrivingPieces | undefined>
  /**
   * Asks for ranges of the blob, which is brought if it is not here; returns once they are asked for. They may go beyond
   * the blob. @throws as `ensure`
   */
  want(blob: BlobRef, ranges: readonly ByteRange[], options: WantOptions): Promise<void>
  /** What is here at this moment. `asker` names an origin that is about to read the backend. @throws DIGEST_REFUSED */
  holding(blob: BlobRef, options?: { readonly asker?: string | undefined }): Promise<Holding>
  /** Opens a range of the bytes that are here, unverified; never waits for more. @throws RANGE_UNSATISFIABLE */
  openHeld(blob: BlobRef, range: ByteRange, options?: AbortOptions): Promise<Readable>
}

function unknown({ digest }: BlobRef): never {
  throw appError('BLOB_UNKNOWN', { detail: { digest } })
}

/** The pieces of a partial blob as ranges; neighbours are joined. */
function rangesOf({ map, have }: PartialBlob): readonly ByteRange[] {
  const ranges: ByteRange[] = []
  for (const piece of have) {
    const { start, end } = map.rangeOf(piece)
    const before = ranges.at(-1)
    if (before?.end === start) ranges[ranges.length - 1] = { start: before.start, end }
    else ranges.push({ start, end })
  }
  return ranges
}

/**
 * Slices of what is arriving that are read for clients at once. Each goes out in a turn of the event loop, so however many
 * clients read, what arrives is taken as often as that, and other origins, which wait for it, are not among them.
 */
const READS_AT_ONCE = 1

/** Units of backends that are read beside the first of each blob; each needs the memory of two pieces, 2 MiB at most. */
const SPARE_READS = 24

class OriginIngest implements Ingest {
  readonly #components: IngestComponents
  readonly #memberId: string
  /** By the key of the source. */
  readonly #underWay = new Map<string, IngestRun>()
  readonly #looks = singleFlight<string, number>()
  /** One run at a time has the bytes of a digest in hand; whoever comes after it finds the blob, or reads its own source. */
  readonly #turns = keyedLock()
  readonly #readers = slots(READS_AT_ONCE)
  readonly #spare = spareReads(SPARE_READS)
  #stopped = false

  constructor(components: IngestComponents, memberId: string) {
    this.#components = components
    this.#memberId = memberId
  }

  async start(): Promise<void> {
    this.#stopped = false
  }

  async stop(): Promise<void> {
    this.#stopped = true
    const all = [...this.#underWay.values()]
    for (const one of all) one.stop()
    await Promise.allSettled(all.map(({ done }) => done))
  }

  async size(blob: BlobRef, options: IngestOptions = { hop: false }): Promise<number> {
    const { store, refusals } = this.#components
    const stored = await store.stat(blob.digest)
    if (stored !== undefined) return stored.size
    refusals.check(blob)
    const key = this.#components.keys.of(blob)
    const underWay = this.#underWay.get(key)
    // A run that follows nobody knows it soon, and asks the backend for nobody else.
    const opened = underWay?.claims === true ? await abortable(underWay.opened(), options.signal) : underWay?.intake
    const known = opened?.partial.map.length
    const { hop } = options
    return known ?? this.#looks.run(`${key} ${hop}`, (signal) => this.#look(blob, { hop, signal }), options)
  }

  async ensure(blob: BlobRef, { hop, signal }: IngestOptions): Promise<StoredBlob> {
    const stored = await this.#components.store.stat(blob.digest)
    return stored ?? abortable(this.#join(blob, hop).done, signal)
  }

  async open(blob: BlobRef, options: IngestOptions): Promise<OpenBlob> {
    const intake = await this.arriving(blob, options)
    const { hop } = options
    if (intake !== undefined) {
      const read: OpenBlob['read'] = async (range, reading) => {
        if (range.start < range.end) await intake.whenReadable(range, reading)
        return intake.open(range, { ...reading, ...(!hop && { inTurn: (work) => this.#readers.run(work, reading) }) })
      }
      return { size: intake.partial.map.length, read }
    }
    const { size } = await this.ensure(blob, options)
    const { store } = this.#components
    return { size, read: (range, { signal } = {}) => store.open(blob.digest, { signal, range }) }
  }

  async arriving(blob: BlobRef, { hop, signal }: IngestOptions): Promise<Intake | undefined> {
    if ((await this.#components.store.stat(blob.digest)) !== undefined) return undefined
    const intake = await abortable(this.#join(blob, hop).opened(), signal)
    throwIfAborted(signal)
    return intake
  }

  async want(blob: BlobRef, ranges: readonly ByteRange[], { priority, ...options }: WantOptions): Promise<void> {
    const intake = await this.arriving(blob, options)
    intake?.want(ranges, priority)
  }

  async holding(blob: BlobRef, { asker }: { readonly asker?: string | undefined } = {}): Promise<Holding> {
    const { store, refusals } = this.#components
    const stored = await store.stat(blob.digest)
    if (stored !== undefined) {
      return { size: stored.size, ranges: [wholeRange(stored.size)], verified: true, claim: 'none' }
    }
    refusals.check(blob)
    const claim = this.#underWay.get(this.#components.keys.of(blob))?.claimFor(asker) ?? 'none'
    const partial = await this.#partial(blob)
    return { size: partial?.map.length, ranges: partial === undefined ? [] : rangesOf(partial), verified: false, claim }
  }

  async openHeld(blob: BlobRef, range: ByteRange, options: AbortOptions = {}): Promise<Readable> {
    const { store } = this.#components
    if ((await store.stat(blob.digest)) !== undefined) return store.open(blob.digest, { ...options, range })
    const partial = await this.#partial(blob)
    if (
      partial === undefined ||
      !rangesOf(partial).some(({ start, end }) => start <= range.start && range.end <= end)
    ) {
      throw appError('RANGE_UNSATISFIABLE', { detail: { ...range } })
    }
    return Readable.from(partialBytes(partial, range), { objectMode: false })
  }

  async #partial({ digest }: BlobRef): Promise<PartialBlob | undefined> {
    if (!this.#turns.busy(digest)) return partialOf(this.#components.store, digest)
    const underWay = [...this.#underWay.values()].find((run) => run.digest === digest && run.intake !== undefined)
    return underWay?.intake?.partial
  }

  /** The run that brings the blob: the current run, or a new one. */
  #join(blob: BlobRef, hop: boolean): IngestRun {
    const { refusals, misses, keys } = this.#components
    refusals.check(blob)
    const key = keys.of(blob)
    const underWay = this.#underWay.get(key)
    if (underWay === undefined && (hop || this.#looker(blob) === undefined)) misses.check(blob)
    if (hop && underWay?.claims !== true) this.#checkOwner(blob)
    if (hop) underWay?.claim()
    return underWay ?? this.#begin(blob, key, hop)
  }

  #begin(blob: BlobRef, key: string, claims: boolean): IngestRun {
    if (this.#stopped) throw appError('SHUTTING_DOWN')
    const inTurn: InTurn = (work) => this.#turns.run(blob.digest, work)
    const follows = !claims && this.#looker(blob) !== undefined
    const init = { memberId: this.#memberId, claims: !follows, inTurn, spare: this.#spare }
    const begun = ingestRun(this.#components, blob, init)
    this.#underWay.set(key, begun)
    const forget = () => void this.#underWay.delete(key)
    begun.done.then(forget, forget)
    return begun
  }

  #checkOwner({ digest }: BlobRef) {
    const { cluster } = this.#components
    if ([...cluster.owners(digest), ...cluster.liveOwners(digest)].some(({ id }) => id === this.#memberId)) return
    throw appError('NOT_OWNER', { detail: { digest, member: this.#memberId } })
  }

  /** The origin that looks for the blob, so that the cluster looks once; undefined when this one does. */
  #looker({ digest }: BlobRef): Member | undefined {
    const [first] = this.#components.cluster.liveOwners(digest)
    return first === undefined || first.id === this.#memberId ? undefined : first
  }

  async #look(blob: BlobRef, { hop, signal }: IngestOptions & { readonly signal: AbortSignal }): Promise<number> {
    const { cluster, siblings } = this.#components
    const looker = hop ? undefined : this.#looker(blob)
    if (looker === undefined) return this.#lookHere(blob, signal)
    try {
      const size = await siblings.size(looker, blob, { signal })
      cluster.report(looker.id, 'ok')
      return size ?? unknown(blob)
    } catch (err) {
      throwIfAborted(signal)
      if (hasCode(err, 'BLOB_UNKNOWN')) throw err
      reportFailure(cluster, looker, err)
      return this.#lookHere(blob, signal)
    }
  }

  /** The size that the backend tells; without an answer, the size that another origin with the whole blob tells. */
  async #lookHere(blob: BlobRef, signal: AbortSignal): Promise<number> {
    const { backends, misses } = this.#components
    misses.check(blob)
    const looking = misses.look(blob)
    let failure: { readonly err: unknown } | undefined
    try {
      const object = await backends
        .backendFor(blob.repository)
        .stat(blobKey(blob.digest), { as: blob.as, thenRead: true, signal })
      if (object !== undefined) {
        looking.end()
        return object.size
      }
    } catch (err) {
      failure = { err }
    }
    try {
      throwIfAborted(signal)
      const held = await askHoldings(this.#components, blob, { memberId: this.#memberId, claims: false, signal })
      const whole = held.find(({ holding }) => holding.verified)
      if (whole?.holding.size !== undefined) return whole.holding.size
      if (failure !== undefined) throw failure.err
      looking.missed()
      return unknown(blob)
    } finally {
      looking.end()
    }
  }
}

export function ingest(components: IngestComponents, init: { readonly memberId: string }): Ingest {
  return new OriginIngest(components, init.memberId)
}
