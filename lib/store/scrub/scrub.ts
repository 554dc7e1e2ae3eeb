import {
  type AbortOptions,
  appError,
  type Clock,
  type FairBucket,
  fairBucket,
  hasCode,
  type TokenBucket,
  throwIfAborted,
  tokenBucket,
} from '../../base/index.ts'
import { type Digest, HASH_LENGTH } from '../../core/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { Sidecars } from '../blob-store.ts'
import type { KeptBlob } from '../upkeep.ts'
import { type BlobHashesComponents, type ReadHashes, readHashes } from './blob-hashes.ts'
import type { Repair, RepairSource, Replacement } from './repair.ts'

/**
 * Result for one blob. `repaired`, `removed` and `lost`: it was rotten, and this became of it. `gone`: it was removed
 * meanwhile.
 */
export type Verdict = 'good' | 'gone' | Replacement['outcome']

/** A rotten blob. */
export interface Finding {
  readonly digest: Digest
  readonly size: number
  readonly atMs: number
  /** Indexes of the pieces that differ from the hashes beside the blob; empty when there are none, or rotten ones. */
  readonly pieces: readonly number[]
  readonly outcome: Replacement['outcome']
  readonly from: RepairSource | undefined
}

export interface ScrubStatus {
  /** Blobs verified since the start. */
  readonly verifiedBlobs: number
  readonly verifiedBytes: number
  readonly findings: readonly Finding[]
  /** Blobs that should be verified now. */
  readonly due: number
  /** The blob that is being verified. */
  readonly current: Digest | undefined
}

export interface ScrubComponents extends BlobHashesComponents {
  /** Where the hashes of the pieces are kept beside each blob; undefined where nobody needs them. */
  readonly pieceHashes?: Sidecars | undefined
  readonly repair: Repair
  readonly clock: Clock
  readonly logger: Logger
  readonly onVerified: (verdict: Verdict, bytes: number) => void
}

export interface ScrubInit {
  /** Every blob is verified once in this period, milliseconds. */
  readonly periodMs: number
  /** Bytes per second that scrub reads; undefined: no limit. */
  readonly bytesPerSecond: number | undefined
}

/** Compares stored blobs with their digests, the longest unverified first, and does away with rotten ones. */
export interface Scrub {
  /** Verifies the blobs that are due; returns the milliseconds until the next blob is due. @throws ABORTED */
  round(options?: AbortOptions): Promise<number>
  /** Makes all present blobs due; the next round verifies them. */
  hurry(): void
  /** Bytes per second that rounds read from now on; undefined: no limit. */
  setRate(bytesPerSecond: number | undefined): void
  /** Verifies one blob now, without a rate limit. @throws BLOB_UNKNOWN, ABORTED */
  verify(digest: Digest, options?: AbortOptions): Promise<Verdict>
  readonly status: ScrubStatus
}

/** Findings kept in memory; the log has all of them. */
const MAX_FINDINGS = 100
const LONGEST_PAUSE_MS = 60 * 60_000
const SHORTEST_PAUSE_MS = 1_000

/** The pieces in which two lists of hashes differ. */
function differing(a: Uint8Array, b: Uint8Array): readonly number[] {
  const hashOf = (list: Uint8Array, piece: number) => list.subarray(piece * HASH_LENGTH, (piece + 1) * HASH_LENGTH)
  const count = Math.max(a.length, b.length) / HASH_LENGTH
  return Array.from({ length: count }, (_, piece) => piece).filter(
    (piece) => Buffer.compare(hashOf(a, piece), hashOf(b, piece)) !== 0,
  )
}

function wrongPieces(read: ReadHashes | undefined, noted: Uint8Array): readonly number[] {
  return read?.pieces === undefined ? [] : differing(read.pieces, noted)
}

class Scrubber implements Scrub {
  readonly #components: ScrubComponents
  readonly #periodMs: number
  readonly #rate: FairBucket
  readonly #pace: TokenBucket
  readonly #unlimited: TokenBucket
  readonly #findings: Finding[] = []
  #hurriedAtMs = 0
  #verifiedBlobs = 0
  #verifiedBytes = 0
  #current: Digest | undefined

  constructor(components: ScrubComponents, init: ScrubInit) {
    this.#components = components
    this.#periodMs = init.periodMs
    this.#rate = fairBucket(components.clock, { ratePerSecond: init.bytesPerSecond })
    this.#pace = this.#rate.flow()
    this.#unlimited = tokenBucket(components.clock, { ratePerSecond: undefined })
  }

  get status(): ScrubStatus {
    return {
      verifiedBlobs: this.#verifiedBlobs,
      verifiedBytes: this.#verifiedBytes,
      findings: [...this.#findings],
      due: this.#due().length,
      current: this.#current,
    }
  }

  setRate(bytesPerSecond: number | undefined): void {
    this.#rate.setRate(bytesPerSecond)
  }

  hurry(): void {
    this.#hurriedAtMs = this.#components.clock.now()
  }

  async round({ signal }: AbortOptions = {}): Promise<number> {
    for (const { digest } of this.#due()) {
      throwIfAborted(signal)
      const blob = this.#components.store.look(digest)
      if (blob !== undefined) await this.#lookAt(blob, this.#pace, signal)
    }
    const next = this.#components.store.inspect().map((blob) => this.#dueAtMs(blob))
    // A blob that comes after this is due a period later.
    const nowMs = this.#components.clock.now()
    const firstMs = next.reduce((first, atMs) => Math.min(first, atMs), nowMs + this.#periodMs)
    return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, firstMs - nowMs))
  }

  async verify(digest: Digest, { signal }: AbortOptions = {}): Promise<Verdict> {
    const blob = this.#components.store.look(digest)
    if (blob === undefined) throw appError('BLOB_UNKNOWN', { detail: { digest } })
    return this.#lookAt(blob, this.#unlimited, signal)
  }

  #dueAtMs({ verifiedAtMs = 0 }: KeptBlob): number {
    return verifiedAtMs < this.#hurriedAtMs ? this.#hurriedAtMs : verifiedAtMs + this.#periodMs
  }

  #due(): readonly KeptBlob[] {
    const nowMs = this.#components.clock.now()
    return this.#components.store
      .inspect()
      .filter((blob) => this.#dueAtMs(blob) <= nowMs)
      .sort((a, b) => (a.verifiedAtMs ?? 0) - (b.verifiedAtMs ?? 0))
  }

  async #lookAt(blob: KeptBlob, pace: TokenBucket, signal: AbortSignal | undefined): Promise<Verdict> {
    this.#current = blob.digest
    try {
      const verdict = await this.#judge(blob, pace, signal)
      this.#components.onVerified(verdict, blob.size)
      this.#verifiedBlobs += 1
      this.#verifiedBytes += blob.size
      return verdict
    } catch (err) {
      // The blob was evicted or deleted meanwhile.
      if (hasCode(err, 'BLOB_UNKNOWN')) return 'gone'
      throw err
    } finally {
      this.#current = undefined
    }
  }

  async #judge(blob: KeptBlob, pace: TokenBucket, signal: AbortSignal | undefined): Promise<Verdict> {
    const { store, pieceHashes } = this.#components
    const options = { pace, signal, pieces: pieceHashes !== undefined }
    let hashes = await readHashes(this.#components, blob, options)
    // Read it once more, in case the transfer from the disk was at fault.
    if (hashes?.isRight !== true) hashes = await readHashes(this.#components, blob, options)
    const noted = (await pieceHashes?.sidecar(blob.digest, 'pieces')) ?? new Uint8Array(0)
    if (hashes?.isRight !== true) return this.#replace(blob, wrongPieces(hashes, noted), signal)
    const { pieces } = hashes
    if (pieces !== undefined && Buffer.compare(pieces, noted) !== 0) {
      await pieceHashes?.putSidecar(blob.digest, 'pieces', pieces)
    }
    await store.noteVerified(blob.digest)
    return 'good'
  }

  async #replace(
    { digest, size }: KeptBlob,
    pieces: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<Verdict> {
    const { repair, logger, clock } = this.#components
    logger.error('a stored blob is rotten and is removed', { code: 'STORE_CORRUPT', digest, bytes: size, pieces })
    const replacement = await repair.replace(digest, { signal })
    const { outcome } = replacement
    const from = replacement.outcome === 'repaired' ? replacement.from : undefined
    if (outcome === 'lost') logger.error('no other source has a good copy of a rotten blob', { digest })
    if (outcome === 'repaired') logger.warn('repaired a rotten blob', { digest, from })
    this.#findings.unshift({ digest, size, atMs: clock.now(), pieces, outcome, from })
    this.#findings.length = Math.min(this.#findings.length, MAX_FINDINGS)
    return outcome
  }
}

export function scrub(components: ScrubComponents, init: ScrubInit): Scrub {
  return new Scrubber(components, init)
}
