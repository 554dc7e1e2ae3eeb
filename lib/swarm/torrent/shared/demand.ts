import { type AppError, appError, type Deferred, deferred, onAbort } from '../../../base/index.ts'
import type { ByteRange, PieceMap, PullClass, ReadPriority } from '../../../core/index.ts'
import { type RateMeter, type ReaderWindow, rateMeter } from '../../picker/index.ts'
import { type PullWatch, unwatched } from './pull-trace.ts'

/** What one reader wants next, as the picker sees it. */
export interface Demand {
  /** Offset of its next byte. */
  next: number
  readonly start: number
  readonly end: number
  readonly priority: ReadPriority
  readonly pullClass: PullClass
  /** What it does not read is brought, too, behind everything that is read. */
  readonly fills: boolean
  /** What the same client reads when it has got to the end. */
  readonly later: readonly ByteRange[]
  /** How fast it takes what is there, by a clock that stands still while it waits. */
  readonly takes: RateMeter
  /** For how long it has waited so far. */
  waitedMs: number
  /** True after the reader's first byte. */
  started: boolean
  /** Since when the reader waits for `next`; undefined while it does not wait. */
  waitingSinceMs: number | undefined
  /** Resolved when `next` may have come, rejected when it never will. */
  waiter: Deferred<void> | undefined
  /** Told what it waits for. */
  readonly watch: PullWatch
}

export interface DemandOptions {
  /** Default `onDemand`: somebody waits. */
  readonly priority?: ReadPriority | undefined
  /** How important the pull is beside those of other blobs. Default `normal`. */
  readonly pullClass?: PullClass | undefined
  /** What is not read is brought, too, behind everything that is. Default true. */
  readonly fills?: boolean | undefined
  /** Ranges that the same client reads behind this one, in this order. Default none. */
  readonly later?: readonly ByteRange[] | undefined
}

export function demand(
  { start, end }: ByteRange,
  nowMs: number,
  { priority = 'onDemand', pullClass = 'normal', fills = true, later = [] }: DemandOptions = {},
  watch: PullWatch = unwatched(),
): Demand {
  const takes = rateMeter()
  takes.begin(nowMs)
  const waits = { waitedMs: 0, started: false, waitingSinceMs: undefined, waiter: undefined }
  return { next: start, start, end, priority, pullClass, fills, later, takes, ...waits, watch }
}

/** Waits, from `nowMs` on, until `release` or `fail`. @throws ABORTED, or the error given to `fail` */
export async function waitFor(wanted: Demand, nowMs: number, signal: AbortSignal): Promise<void> {
  const waiter = deferred()
  wanted.waiter = waiter
  wanted.waitingSinceMs ??= nowMs
  const takeBack = onAbort(signal, () => waiter.reject(appError('ABORTED', { cause: signal.reason })))
  try {
    await waiter.promise
  } finally {
    takeBack()
  }
}

/** Makes a waiting reader check again. */
export function release(wanted: Demand): void {
  wanted.waiter?.resolve()
  wanted.waiter = undefined
}

export function fail(wanted: Demand, err: AppError): void {
  wanted.waiter?.reject(err)
  wanted.waiter = undefined
}

/** Call it when the reader got bytes up to `next`. */
export function advance(wanted: Demand, next: number, nowMs: number): void {
  wanted.takes.add(next - wanted.next, nowMs - wanted.waitedMs)
  wanted.next = next
  wanted.started = true
  wanted.waitingSinceMs = undefined
}

/** Twice the usual time of a block, within these bounds. */
const PATIENCE = { factor: 2, minMs: 250, maxMs: 5_000, unknownMs: 1_000 }

/**
 * How long a reader waits before its next piece is asked of an origin, and a block of it of a second peer. `usualMs` is
 * what a block usually takes, when it is known.
 */
export function patienceOf(usualMs: number | undefined): number {
  if (usualMs === undefined) return PATIENCE.unknownMs
  return Math.min(PATIENCE.maxMs, Math.max(PATIENCE.minMs, usualMs * PATIENCE.factor))
}

export interface WindowInit {
  readonly map: PieceMap
  /** Pieces in front of a reader. */
  readonly pieces: number
  readonly nowMs: number
  /** Whether a piece is here already. */
  has(piece: number): boolean
  /** How long a reader waits before an origin is asked for its next piece, in milliseconds. */
  readonly patienceMs: number
}

/** What of a demand makes a window. */
type InWindow = Pick<Demand, 'next' | 'end' | 'priority' | 'waitingSinceMs' | 'started'>

/** The window of a reader, from its first missing piece on; undefined when it misses none. */
export function windowOf(wanted: InWindow, init: WindowInit): ReaderWindow | undefined {
  if (wanted.next >= wanted.end) return undefined
  const from = init.map.pieceAt(wanted.next)
  const end = Math.min(from + init.pieces, init.map.covering({ start: wanted.next, end: wanted.end }).last + 1)
  let next = from
  while (next < end && init.has(next)) next += 1
  if (next === end) return undefined
  const { waitingSinceMs, started, priority } = wanted
  const urgent = waitingSinceMs !== undefined && (!started || init.nowMs - waitingSinceMs >= init.patienceMs)
  return { next, end, urgent, priority }
}
