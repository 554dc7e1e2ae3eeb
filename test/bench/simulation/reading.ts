import type { PieceMap } from '../../../lib/core/index.ts'
import type { ReaderWindow } from '../../../lib/swarm/picker/index.ts'
import type { Happening, Timeline } from './timeline.ts'

/** A torrent as its reader sees it. */
export interface Reading {
  readonly count: number
  /** The piece is verified and stored. */
  isHere(piece: number): boolean
  readonly map: Pick<PieceMap, 'sizeOf'>
  readonly patienceMs: number
}

export interface ReaderInit {
  readonly timeline: Timeline
  /** How fast it takes what is there. */
  readonly bytesPerSecond: number
  /** Pieces in front of it, now. */
  pieces(): number
}

/** Who reads a torrent from the first byte to the last, piece by piece, and the window in front of it. */
export class Reader implements ReaderWindow, Happening {
  readonly #reading: Reading
  readonly #init: ReaderInit
  /** The piece that it takes next. */
  #at = 0
  /** The first piece from there on that is not here. */
  #missing = 0
  /** Until when it takes the piece that it got last. */
  #busyUntilMs = 0
  #waitingSinceMs = 0
  #startMs = 0
  /** When it had its first byte; undefined before. */
  firstByteMs: number | undefined
  /** The sum over its pieces of when it got each. */
  #gotMs = 0

  constructor(reading: Reading, init: ReaderInit) {
    this.#reading = reading
    this.#init = init
  }

  get isDone(): boolean {
    return this.#at === this.#reading.count
  }

  /** When it got the average piece, once it has all. */
  get meanByteMs(): number {
    return this.isDone ? this.#gotMs / this.#reading.count : Number.POSITIVE_INFINITY
  }

  start(nowMs: number): void {
    this.#startMs = nowMs
    this.#waitingSinceMs = nowMs
  }

  /** A piece has come. */
  read(nowMs: number): void {
    const { count } = this.#reading
    while (this.#missing < count && this.#reading.isHere(this.#missing)) this.#missing += 1
    if (this.#at >= this.#missing || nowMs < this.#busyUntilMs) return
    this.firstByteMs ??= nowMs - this.#startMs
    this.#take(nowMs)
  }

  /** It has taken a piece. */
  happen(nowMs: number): void {
    this.#waitingSinceMs = nowMs
    if (this.#at < this.#missing) this.#take(nowMs)
  }

  #take(nowMs: number): void {
    const { bytesPerSecond, timeline } = this.#init
    const tookMs = (this.#reading.map.sizeOf(this.#at) * 1000) / bytesPerSecond
    this.#gotMs += nowMs - this.#startMs
    this.#at += 1
    this.#busyUntilMs = nowMs + tookMs
    if (tookMs > 0) timeline.at(this.#busyUntilMs, this)
    else this.happen(nowMs)
  }

  /** It waits for nobody else, so its wait begins anew. */
  excuse(nowMs: number): void {
    this.#waitingSinceMs = nowMs
  }

  get next(): number {
    return Math.min(this.#missing, this.end)
  }

  get end(): number {
    return Math.min(this.#at + this.#init.pieces(), this.#reading.count)
  }

  get urgent(): boolean {
    const { nowMs } = this.#init.timeline
    if (nowMs < this.#busyUntilMs) return false
    return this.firstByteMs === undefined || nowMs - this.#waitingSinceMs >= this.#reading.patienceMs
  }
}
