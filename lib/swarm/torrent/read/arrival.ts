import { type AppError, appError, toAppError } from '../../../base/index.ts'
import { type ByteRange, type PieceMap, releasedLength } from '../../../core/index.ts'
import type { PickScope, ReaderWindow } from '../../picker/index.ts'
import type { ArrivingContent } from '../shared/content.ts'
import type { Loan } from '../shared/loan.ts'
import type { OverflowShares } from '../shared/overflow-shares.ts'
import { SLICE_LENGTH, type SliceCache } from '../shared/slice-cache.ts'
import type { VerifiedPiece } from '../shared/verified-piece.ts'
import type { WarmPieces } from '../shared/warm-pieces.ts'
import { type PieceOverflow, pieceOverflow } from './piece-overflow.ts'

export interface ArrivalInit {
  readonly content: ArrivingContent
  readonly slices: SliceCache
  readonly warm: WarmPieces
  readonly overflows: OverflowShares
  /** A piece is here no longer: it was only in memory. */
  onForgotten(piece: number): void
}

/**
 * A blob on its way to the disk: pieces go in, readers' bytes come out, and a full disk is bridged by memory. It
 * fetches nothing.
 */
export class Arrival {
  readonly content: ArrivingContent
  /** The whole digest holds; without it the last bytes of a whole body are withheld. */
  verified = false
  /** Pieces before it are in the whole digest, or are being hashed. */
  hashed = 0
  readonly #init: ArrivalInit
  readonly #overflow: PieceOverflow
  #release: (() => void) | undefined

  constructor(init: ArrivalInit) {
    this.#init = init
    this.content = init.content
    this.#overflow = pieceOverflow(init.content.map, init.overflows, (piece) => init.onForgotten(piece))
    this.#release = init.content.partial?.lease()
  }

  get map(): PieceMap {
    return this.content.map
  }

  /** Bytes that are not on disk. */
  get leftBytes(): number {
    const { have, map } = this.content
    return have.complete ? 0 : Math.max(1, map.length - have.count * map.pieceLength)
  }

  /** The piece can be read. */
  has(piece: number): boolean {
    return this.content.have.has(piece) || this.#overflow.get(piece) !== undefined
  }

  /**
   * The first of `pieces` that is on disk with another hash than `hashOf` tells: an earlier run kept it, and one of the
   * two hashes is a lie.
   */
  contradicted(pieces: Iterable<number>, hashOf: (piece: number) => Uint8Array | undefined): number | undefined {
    for (const piece of pieces) {
      const kept = this.content.partial?.hashOf(piece)
      const hash = hashOf(piece)
      if (kept !== undefined && hash !== undefined && Buffer.compare(kept, hash) !== 0) return piece
    }
    return undefined
  }

  /** The disk refused the last piece: what comes passes through memory, and is here once only. */
  get isBridged(): boolean {
    return this.#overflow.reach !== undefined
  }

  /** Which missing pieces are worth fetching: while the disk is full, those that a reader needs next. */
  get scope(): PickScope {
    return this.isBridged ? 'windows' : 'all'
  }

  /** How many pieces in front of a reader are worth fetching; undefined when that does not matter. */
  get reach(): number | undefined {
    return this.#overflow.reach
  }

  /**
   * Stores a verified piece; true when it is on disk and can be offered to peers. On a full disk it is kept for the
   * readers at `positions`. Any other failure of the disk is treated alike and returned.
   */
  async take(
    piece: number,
    { bytes, hash, free }: VerifiedPiece,
    positions: () => readonly ReaderWindow[],
  ): Promise<AppError | undefined> {
    const { partial, key, map } = this.content
    try {
      if (partial === undefined) throw appError('STORE_FULL')
      await partial.write(piece, bytes, hash)
    } catch (err) {
      this.#overflow.put(piece, { bytes, hash }, positions())
      free()
      return toAppError(err, 'STORE_FULL')
    }
    this.#overflow.relieve(piece)
    const aheadOfReader = positions().some(({ next, end }) => piece >= next && piece < end)
    this.#init.warm.keep(key, piece, { bytes, heldBytes: map.pieceLength, free }, aheadOfReader)
    return undefined
  }

  /** Pieces wait in memory for room on the disk. */
  get crowded(): boolean {
    return this.content.partial !== undefined && this.#overflow.first !== undefined
  }

  /**
   * Writes the first piece that is only in memory; undefined when none is.
   * @throws what the disk refuses it with; the piece stays in memory
   */
  async settleOne(): Promise<number | undefined> {
    const { partial } = this.content
    const kept = this.#overflow.first
    if (partial === undefined || kept === undefined) return undefined
    await partial.write(kept.piece, kept.bytes, kept.hash)
    this.#overflow.relieve(kept.piece)
    return kept.piece
  }

  /** No reader is left. */
  unread(): void {
    this.#init.warm.passed(this.content.key)
  }

  /** Nothing of it stays in memory, and the partial blob may be evicted. */
  close(): void {
    this.#init.warm.drop(this.content.key)
    this.#overflow.close()
    this.#release?.()
    this.#release = undefined
  }

  /** Shows the bytes of a piece that it `has`, part after part; each is lent for the call where that can be. */
  async show(piece: number, look: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    const kept = this.#overflow.get(piece)
    if (kept !== undefined) {
      await look(kept)
      return
    }
    const { start, end } = this.map.rangeOf(piece)
    for (let at = start; at < end; ) {
      const part = { start: at, end: Math.min(end, at + SLICE_LENGTH) }
      const loan = await this.#init.slices.lend(this.content, part)
      const bytes = loan?.bytes ?? (await this.content.read(part))
      await look(bytes).finally(() => loan?.release())
      at += bytes.length
    }
  }

  /**
   * The part of `range`, from its start, that can be read now; undefined when nothing can. The last bytes of a `whole`
   * body wait for the check of the whole digest, so that nobody keeps a wrong blob; a reader of parts has to check by
   * itself. While the disk is full, a whole body does not run ahead of the digest: what all readers have passed is kept no
   * longer, and would never be hashed.
   */
  readable(range: ByteRange, whole: boolean): ByteRange | undefined {
    const { map } = this
    const isChecked = this.verified || !whole
    const released = releasedLength(map.length, isChecked)
    const limit = isChecked || !this.isBridged ? released : Math.min(released, this.#hashedLength)
    const piece = map.pieceAt(range.start)
    if (range.start >= limit || !this.has(piece)) return undefined
    return { start: range.start, end: Math.min(range.end, limit, map.rangeOf(piece).end) }
  }

  /** Fills `into` with the bytes of a range that `readable` returned, and that is as long. */
  async read(range: ByteRange, into: Uint8Array): Promise<void> {
    const piece = this.map.pieceAt(range.start)
    const { start } = this.map.rangeOf(piece)
    const kept = this.#overflow.get(piece)
    if (kept === undefined) await this.#init.slices.read(this.content, range, into)
    else into.set(kept.subarray(range.start - start, range.end - start))
    this.#passing(piece, range.end)
  }

  /** Like `read`, but without a copy and perhaps with fewer bytes; undefined when `read` must be used. */
  async lend(range: ByteRange): Promise<Loan | undefined> {
    const piece = this.map.pieceAt(range.start)
    if (this.#overflow.get(piece) !== undefined) return undefined
    const loan = await this.#init.slices.lend(this.content, range)
    if (loan !== undefined) this.#passing(piece, range.start + loan.bytes.length)
    return loan
  }

  get #hashedLength(): number {
    const { map, hashed } = this
    return hashed < map.count ? map.rangeOf(hashed).start : map.length
  }

  /** A reader has got as far as `end`. */
  #passing(piece: number, end: number): void {
    if (end === this.map.rangeOf(piece).end) this.#init.warm.passed(this.content.key, piece)
  }
}
