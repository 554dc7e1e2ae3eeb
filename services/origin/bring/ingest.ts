import { Readable } from 'node:stream'
import {
  type AbortOptions,
  abortable,
  appError,
  hasCode,
  keyedLock,
  singleFlight,
  slots,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import { type Member, reportFailure } from '../../../lib/cluster/index.ts'
import { type BlobRef, type ByteRange, type Digest, rangeLength, wholeRange } from '../../../lib/core/index.ts'
import type { PartialBlob, StoredBlob, StoreEvents } from '../../../lib/store/index.ts'
import { claimsHeard } from '../ring/claims-heard.ts'
import type { Holding } from '../ring/siblings.ts'
import { heldRanges } from './held-ranges.ts'
import { whileHeld } from './holds.ts'
import type {
  ArrivingOptions,
  HeldPieces,
  Ingest,
  IngestEnding,
  IngestInspection,
  IngestOptions,
  OpenBlob,
  WantOptions,
} from './ingest-contract.ts'
import { ingestRun } from './ingest-run.ts'
import type { IngestRun, IngestRunComponents, InTurn } from './ingest-run-contract.ts'
import type { Intake, IntakeReading } from './intake.ts'
import { partialOf } from './intake-slot.ts'
import { partialBytes } from './partial-bytes.ts'
import { sizeHere } from './size-here.ts'
import type { SourceKeys } from './source-keys.ts'
import { spareReads } from './spare-reads.ts'

export interface IngestComponents extends Omit<IngestRunComponents, 'claims'> {
  readonly store: IngestRunComponents['store'] & StoreEvents
  readonly keys: SourceKeys
  /** Counts runs that end because nobody wants the blob. */
  readonly onUnwanted: () => void
}

export interface IngestInit {
  readonly memberId: string
  /** A run that nobody wants goes on for so long, milliseconds. */
  readonly idleMs: number
}

/**
 * Slices of what is arriving that are read for clients at once. Each goes out in a turn of the event loop, so however many
 * clients read, what arrives is taken as often as that, and other origins, which wait for it, are not among them.
 */
const READS_AT_ONCE = 1

/** Units of backends that are read beside the first of each blob; each needs the memory of two pieces, 2 MiB at most. */
const SPARE_READS = 24

interface ArrivingBlob {
  readonly run: IngestRun
  readonly intake: Intake
}

class OriginIngest implements Ingest, IngestEnding, IngestInspection {
  readonly #components: IngestComponents & IngestRunComponents
  readonly #memberId: string
  readonly #idleMs: number
  /** By the key of the source. */
  readonly #underWay = new Map<string, IngestRun>()
  readonly #looks = singleFlight<string, number>()
  /** One run at a time has the bytes of a digest in hand; whoever comes after it finds the blob, or reads its own source. */
  readonly #turns = keyedLock()
  readonly #readers = slots(READS_AT_ONCE)
  readonly #spare = spareReads(SPARE_READS)
  #stopped = false

  constructor(components: IngestComponents, { memberId, idleMs }: IngestInit) {
    this.#components = { ...components, claims: claimsHeard(components) }
    this.#memberId = memberId
    this.#idleMs = idleMs
    components.store.onGone((digest) => this.#onGone(digest))
  }

  async start(): Promise<void> {
    this.#stopped = false
  }

  async finish({ signal }: AbortOptions = {}): Promise<void> {
    this.#stopped = true
    const wanted = [...this.#underWay.values()].filter(({ holds }) => holds.count > 0)
    await abortable(Promise.allSettled(wanted.map(({ done }) => done)), signal)
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
    const underWay = this.#current(key)
    // A run that follows nobody knows it soon, and asks the backend for nobody else.
    const opened = underWay?.claims === true ? await this.#intakeOf(underWay, options) : underWay?.intake
    const known = opened?.partial.map.length
    const { hop } = options
    return known ?? this.#looks.run(`${key} ${hop}`, (signal) => this.#look(blob, { hop, signal }), options)
  }

  async ensure(blob: BlobRef, { hop, signal }: IngestOptions): Promise<StoredBlob> {
    const stored = await this.#components.store.stat(blob.digest)
    if (stored !== undefined) return stored
    const run = this.#join(blob, hop)
    return whileHeld(run.holds, { whole: true }, () => abortable(run.done, signal))
  }

  async open(blob: BlobRef, options: IngestOptions): Promise<OpenBlob> {
    const arriving = await this.#arriving(blob, options)
    if (arriving !== undefined) return this.#openArriving(arriving, options)
    const { size } = await this.ensure(blob, options)
    const { store } = this.#components
    return { size, read: (range, { signal } = {}) => store.open(blob.digest, { signal, range }) }
  }

  async arriving(blob: BlobRef, { whole, ...options }: ArrivingOptions): Promise<HeldPieces | undefined> {
    const arriving = await this.#arriving(blob, options)
    return arriving && { pieces: arriving.intake, release: arriving.run.holds.take({ whole }) }
  }

  async want(blob: BlobRef, ranges: readonly ByteRange[], { priority, ...options }: WantOptions): Promise<void> {
    const arriving = await this.#arriving(blob, options)
    arriving?.intake.want(ranges, priority)
  }

  async holding(blob: BlobRef, { asker }: { readonly asker?: string | undefined } = {}): Promise<Holding> {
    const { store, refusals, cluster, claims } = this.#components
    if (asker !== undefined && cluster.members.some(({ id }) => id === asker)) claims.note(blob, asker)
    const stored = await store.stat(blob.digest)
    if (stored !== undefined) {
      return { size: stored.size, ranges: [wholeRange(stored.size)], verified: true, claim: 'none' }
    }
    refusals.check(blob)
    const claim = this.#underWay.get(this.#components.keys.of(blob))?.claimFor(asker) ?? 'none'
    const partial = await this.#partial(blob)
    return {
      size: partial?.map.length,
      ranges: partial === undefined ? [] : heldRanges(partial),
      verified: false,
      claim,
    }
  }

  async openHeld(blob: BlobRef, range: ByteRange, options: AbortOptions = {}): Promise<Readable> {
    const { store } = this.#components
    if ((await store.stat(blob.digest)) !== undefined) return store.open(blob.digest, { ...options, range })
    const partial = await this.#partial(blob)
    if (
      partial === undefined ||
      !heldRanges(partial).some(({ start, end }) => start <= range.start && range.end <= end)
    ) {
      throw appError('RANGE_UNSATISFIABLE', { detail: { ...range } })
    }
    return Readable.from(partialBytes(partial, range), { objectMode: false })
  }

  underWay() {
    return [...this.#underWay].map(([key, run]) => ({ id: key.replace(' ', '@'), ...run.report() }))
  }

  async #arriving(blob: BlobRef, { hop, signal }: IngestOptions): Promise<ArrivingBlob | undefined> {
    if ((await this.#components.store.stat(blob.digest)) !== undefined) return undefined
    const run = this.#join(blob, hop)
    const intake = await this.#intakeOf(run, { signal })
    throwIfAborted(signal)
    return intake && { run, intake }
  }

  #intakeOf(run: IngestRun, { signal }: AbortOptions): Promise<Intake | undefined> {
    return whileHeld(run.holds, {}, () => abortable(run.opened(), signal))
  }

  #openArriving({ run, intake }: ArrivingBlob, { hop }: IngestOptions): OpenBlob {
    const size = intake.partial.map.length
    const read: OpenBlob['read'] = async (range, reading) => {
      const release = run.holds.take({ whole: rangeLength(range) === size })
      try {
        if (range.start < range.end) await intake.whenReadable(range, reading)
        const inTurn: IntakeReading['inTurn'] = (work) => this.#readers.run(work, reading)
        return intake.open(range, { ...reading, ...(!hop && { inTurn }) }).once('close', release)
      } catch (err) {
        release()
        throw err
      }
    }
    return { size, read }
  }

  async #partial({ digest }: BlobRef): Promise<PartialBlob | undefined> {
    if (!this.#turns.busy(digest)) return partialOf(this.#components.store, digest)
    const underWay = [...this.#underWay.values()].find((run) => run.digest === digest && run.intake !== undefined)
    return underWay?.intake?.partial
  }

  /** What was here has made room for something else; a run that goes on without anybody who wants it ends. */
  #onGone(digest: Digest): void {
    for (const run of this.#underWay.values()) if (run.digest === digest && run.holds.count === 0) run.abandon()
  }

  /** The run under way. One whose bytes make room for something else at this moment has ended for who comes now. */
  #current(key: string): IngestRun | undefined {
    const run = this.#underWay.get(key)
    if (run?.intake?.partial.isGone !== true) return run
    run.abandon()
    return undefined
  }

  /** The run that brings the blob: the current run, or a new one. */
  #join(blob: BlobRef, hop: boolean): IngestRun {
    const { refusals, misses, keys } = this.#components
    refusals.check(blob)
    const key = keys.of(blob)
    const underWay = this.#current(key)
    if (underWay === undefined && (hop || this.#looker(blob) === undefined)) misses.check(blob)
    if (hop && underWay?.claims !== true) this.#checkOwner(blob)
    if (hop) underWay?.claim()
    return underWay ?? this.#begin(blob, key, hop)
  }

  #begin(blob: BlobRef, key: string, claims: boolean): IngestRun {
    if (this.#stopped) throw appError('SHUTTING_DOWN')
    const inTurn: InTurn = (work) => this.#turns.run(blob.digest, work)
    const forget = () => {
      if (this.#underWay.get(key) !== begun) return false
      return this.#underWay.delete(key)
    }
    const onUnwanted = () => {
      if (forget()) this.#components.onUnwanted()
    }
    const follows = !claims && this.#looker(blob) !== undefined
    const who = { memberId: this.#memberId, idleMs: this.#idleMs }
    const begun = ingestRun(this.#components, blob, {
      ...who,
      claims: !follows,
      inTurn,
      spare: this.#spare,
      onUnwanted,
    })
    this.#underWay.set(key, begun)
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
    if (looker === undefined) return sizeHere(this.#components, blob, { memberId: this.#memberId, signal })
    try {
      const size = await siblings.size(looker, blob, { signal })
      cluster.report(looker.id, 'ok')
      if (size === undefined) throw appError('BLOB_UNKNOWN', { detail: { digest: blob.digest } })
      return size
    } catch (err) {
      throwIfAborted(signal)
      if (hasCode(err, 'BLOB_UNKNOWN')) throw err
      reportFailure(cluster, looker, err)
      return sizeHere(this.#components, blob, { memberId: this.#memberId, signal })
    }
  }
}

export function ingest(components: IngestComponents, init: IngestInit): Ingest & IngestEnding & IngestInspection {
  return new OriginIngest(components, init)
}
