import type { Readable } from 'node:stream'
import { type Alarm, type AppError, appError, throwIfAborted, type Wheel } from '../../../base/index.ts'
import { type ByteRange, isHigherClass, type PieceMap, type PullClass } from '../../../core/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import { byPriority, type PickScope, ReadAhead, type ReaderWindow, windowBytes } from '../../picker/index.ts'
import {
  advance,
  type Demand,
  demand,
  fail,
  patienceOf,
  release,
  type WindowInit,
  waitFor,
  windowOf,
} from '../shared/demand.ts'
import type { DownloadPace } from '../shared/download-pace.ts'
import { type PullWatch, unwatched, type WaitSpot } from '../shared/pull-trace.ts'
import { type WantedRanges, wantedRanges } from '../shared/wanted-ranges.ts'
import type { Arrival } from './arrival.ts'
import { type ReadOptions, sourceReadable } from './reader.ts'
import { wantedSpans } from './wanted-spans.ts'

export interface ReadersComponents {
  readonly wheel: Wheel
  readonly limits: SwarmLimits
}

export interface ReadersInit {
  /** A reader waits, or went on to another piece: what is worth fetching next has changed. */
  onMoved(): void
  /** The piece waits for the node's own download rate; undefined for a node without one. */
  readonly isHeld?: ((piece: number) => boolean) | undefined
  /** Whether there is such a rate now; default no. */
  readonly isLimited?: (() => boolean) | undefined
  /** Why the last step failed, for readers that have waited for too long. */
  readonly cause?: () => AppError | undefined
  /** Why a piece is not here; the answer is good until the next call. Without it nothing is told of waits. */
  readonly why?: (piece: number) => Readonly<WaitSpot>
}

/** So often it is noted who waits for the node's own download rate. */
const HELD_MS = 100

/** What a reader takes next. */
interface PartRequest {
  readonly wanted: Demand
  readonly range: ByteRange
  /** The reader goes from the first byte to the last. */
  readonly isWhole: (arrival: Arrival) => boolean
}

/** All readers of one arriving blob; each has a stream, and a demand for the picker. */
export class Readers {
  readonly #components: ReadersComponents
  readonly #init: ReadersInit
  readonly #demands = new Set<Demand>()
  #arrival: Arrival | undefined
  #failure: AppError | undefined
  #firstExcuseMs: number | undefined
  /** When the last reader left whose demand was that the rest is brought as well. */
  #fillLeftMs = Number.NEGATIVE_INFINITY
  readonly #ahead: ReadAhead
  /** Due when somebody may have waited for too long. */
  readonly #stall: Alarm

  constructor(components: ReadersComponents, init: ReadersInit) {
    this.#components = components
    this.#init = init
    this.#ahead = new ReadAhead(components.limits)
    this.#stall = components.wheel.alarm((nowMs) => this.#onStall(nowMs))
  }

  /** The blob can be read from now on. */
  attach(arrival: Arrival): void {
    this.#arrival = arrival
    this.releaseAll()
  }

  /** Somebody reads. */
  get any(): boolean {
    return this.#demands.size > 0
  }

  /** The highest class at which somebody reads; undefined when nobody does. */
  get pullClass(): PullClass | undefined {
    let highest: PullClass | undefined
    for (const { pullClass } of this.#demands) {
      if (highest === undefined || isHigherClass(pullClass, highest)) highest = pullClass
    }
    return highest
  }

  /** Somebody reads who wants the rest to be brought as well, or did so less than `lingerMs` ago. */
  get #fills(): boolean {
    const { wheel, limits } = this.#components
    for (const { fills } of this.#demands) if (fills) return true
    return wheel.nowMs - this.#fillLeftMs < limits.lingerMs
  }

  /** Which missing pieces are worth fetching; `most` when there is room for all that somebody may want. */
  scope(most: PickScope): PickScope {
    if (this.#fills) return most
    return this.any ? 'windows' : 'none'
  }

  /** `watch` is told what the reader waits for. */
  open(range: ByteRange, options: ReadOptions, watch: PullWatch = unwatched()): Readable {
    const { wheel } = this.#components
    const wanted = demand(range, wheel.nowMs, options, watch)
    this.#demands.add(wanted)
    this.#ahead.opened(range, wanted.priority, wheel.nowMs)
    const isWhole = ({ map }: Arrival) => range.start === 0 && range.end === map.length
    const took = (start: number, length: number) => advance(wanted, start + length, wheel.nowMs)
    const source = {
      next: async ({ start }: ByteRange, into: Uint8Array, signal: AbortSignal) => {
        const part = { start, end: start + into.length }
        const { arrival, ready } = await this.#ready({ wanted, range: part, isWhole }, signal)
        const length = ready.end - start
        await arrival.read(ready, into.subarray(0, length))
        took(start, length)
        return length
      },
      lend: async (part: ByteRange, signal: AbortSignal) => {
        const { arrival, ready } = await this.#ready({ wanted, range: part, isWhole }, signal)
        const loan = await arrival.lend(ready)
        if (loan !== undefined) took(ready.start, loan.bytes.length)
        return loan
      },
      close: () => {
        this.#demands.delete(wanted)
        if (wanted.fills) this.#fillLeftMs = wheel.nowMs
        this.#init.onMoved()
      },
    }
    return sourceReadable(source, range, options, watch)
  }

  /** Waits until the first byte of `range` can be read; gives the part that can be read then. */
  async #ready({ wanted, range, isWhole }: PartRequest, signal: AbortSignal) {
    for (;;) {
      throwIfAborted(signal)
      if (this.#failure !== undefined) throw this.#failure
      const arrival = this.#arrival
      const ready = arrival?.readable(range, isWhole(arrival))
      if (arrival !== undefined && ready !== undefined) return { arrival, ready }
      const { wheel } = this.#components
      const sinceMs = wheel.nowMs
      const waiting = waitFor(wanted, sinceMs, signal)
      this.#stall.by(this.#stalledAtMs(wanted, sinceMs))
      this.#init.onMoved()
      this.#tell(wanted)
      await waiting
      wanted.watch.turn('disk')
      wanted.waitedMs += wheel.nowMs - sinceMs
    }
  }

  /** What the waiting readers wait for may have changed. */
  look(): void {
    for (const wanted of this.#demands) this.#tell(wanted)
  }

  #tell({ waiter, watch, next }: Demand): void {
    const { why } = this.#init
    // Until there is an arrival, the disk makes room for it.
    if (waiter === undefined || !watch.traced || why === undefined || this.#arrival === undefined) return
    const piece = this.#arrival.map.pieceAt(next)
    // What is here and cannot be read is held back.
    if (this.#arrival.has(piece)) watch.turn('digest')
    else {
      const { cause, from, holders } = why(piece)
      watch.turn(cause, from, holders)
    }
  }

  /** A piece can be read: the readers that wait for it check again. */
  releaseFor(piece: number, map: PieceMap): void {
    const { start, end } = map.rangeOf(piece)
    for (const wanted of this.#demands) if (wanted.next >= start && wanted.next < end) release(wanted)
  }

  /** Some reader's next byte lies in the piece. */
  waitsFor(piece: number, map: PieceMap): boolean {
    for (const wanted of this.#demands) if (map.pieceAt(wanted.next) === piece) return true
    return false
  }

  releaseAll(): void {
    for (const wanted of this.#demands) release(wanted)
  }

  /** Ends every reader, now and later, with `err`. */
  failAll(err: AppError): void {
    this.#failure = err
    this.#stall.cancel()
    for (const wanted of this.#demands) fail(wanted, err)
  }

  /**
   * Nothing arrives for a good reason, so waiting readers start their wait again; at most for `ingestTimeoutMs` in
   * total.
   */
  excuse(nowMs: number): void {
    this.#firstExcuseMs ??= nowMs
    if (nowMs - this.#firstExcuseMs >= this.#components.limits.ingestTimeoutMs) return
    for (const wanted of this.#demands) if (wanted.waitingSinceMs !== undefined) wanted.waitingSinceMs = nowMs
  }

  /** When it counts as stalled, or is to be looked at before. */
  #stalledAtMs({ waitingSinceMs }: Demand, nowMs: number): number {
    const atMs = (waitingSinceMs ?? nowMs) + this.#components.limits.stallTimeoutMs
    return this.#init.isLimited?.() === true ? Math.min(atMs, nowMs + HELD_MS) : atMs
  }

  /** Ends the readers that have waited for too long; the code says whether a step failed or nothing simply came. */
  #onStall(nowMs: number): void {
    this.#excuseHeld(nowMs)
    for (const wanted of this.#demands) {
      if (wanted.waiter === undefined || wanted.waitingSinceMs === undefined) continue
      if (nowMs - wanted.waitingSinceMs >= this.#components.limits.stallTimeoutMs)
        fail(wanted, stalled(this.#init.cause?.()))
      else this.#stall.by(this.#stalledAtMs(wanted, nowMs))
    }
  }

  /** Who waits for a piece that waits for the node's own download rate waits for nobody else, and starts again. */
  #excuseHeld(nowMs: number): void {
    const { isHeld } = this.#init
    const map = this.#arrival?.map
    if (isHeld === undefined || map === undefined) return
    for (const wanted of this.#demands) {
      if (wanted.waitingSinceMs !== undefined && isHeld(map.pieceAt(wanted.next))) wanted.waitingSinceMs = nowMs
    }
  }

  /** The windows in front of the readers, from their first missing piece on. */
  windows(arrival: Arrival, nowMs: number, pace: DownloadPace | undefined): readonly ReaderWindow[] {
    if (!this.any) return []
    const { map, reach } = arrival
    const patienceMs = patienceOf(pace?.usualMs)
    const has = (piece: number) => arrival.has(piece)
    const windows = this.#windows((wanted) => {
      // What lies beyond the reach is not fetched at all.
      const pieces = reach === undefined ? this.#inFront(wanted, map, pace) : Math.min(reach, this.#most(map))
      return { map, nowMs, patienceMs, has, pieces }
    })
    const ahead = reach === undefined ? this.#ahead.spans(nowMs) : []
    for (const { range, priority } of ahead) {
      const wanted = { next: range.start, end: Math.min(range.end, map.length), priority, started: true }
      const init = { map, nowMs, patienceMs, has, pieces: this.#most(map) }
      const window = windowOf({ ...wanted, waitingSinceMs: undefined }, init)
      if (window !== undefined) windows.push(window)
    }
    return byPriority(windows)
  }

  /** What an origin should bring now, with this share of what is ahead of the readers; `isKnown` as in `wantedRanges`. */
  wanted({ map }: Arrival, isKnown: (piece: number) => boolean, share: number): WantedRanges {
    const { wheel, limits } = this.#components
    const init = { map, limits, ahead: this.#ahead.spans(wheel.nowMs), fills: this.#fills, share }
    return wantedRanges(wantedSpans(this.#demands, init), { map, isKnown, limits, share })
  }

  /** The readers' widest windows from their next byte on, whether that byte is here or not. */
  positions(map: PieceMap): readonly ReaderWindow[] {
    const pieces = this.#most(map)
    return this.#windows(() => ({ map, nowMs: 0, patienceMs: Number.POSITIVE_INFINITY, has: () => false, pieces }))
  }

  /** How many pieces in front of a reader come before all others. */
  #inFront({ takes }: Demand, { pieceLength }: PieceMap, pace: DownloadPace | undefined): number {
    const rates = { takeBytesPerSecond: takes.bytesPerSecond, arrivalBytesPerSecond: pace?.bytesPerSecond }
    return Math.ceil(windowBytes({ ...rates, pieceMs: pace?.pieceMs }, this.#components.limits) / pieceLength)
  }

  #most({ pieceLength }: PieceMap): number {
    return Math.max(1, Math.floor(this.#components.limits.maxWindowBytes / pieceLength))
  }

  #windows(init: (wanted: Demand) => WindowInit): ReaderWindow[] {
    const windows: ReaderWindow[] = []
    for (const wanted of this.#demands) {
      const window = windowOf(wanted, init(wanted))
      if (window !== undefined) windows.push(window)
    }
    return windows
  }
}

function stalled(cause: AppError | undefined): AppError {
  if (cause === undefined) return appError('STALLED')
  return appError('SOURCES_EXHAUSTED', { cause, detail: { lastStepFailed: cause.code } })
}
