import {
  type AppError,
  appError,
  type Background,
  backoffMs,
  type Clock,
  deadline,
  isAppError,
  type Random,
  type TokenBucket,
  toAppError,
} from '../../../base/index.ts'
import type { BlobRef, PeerInfo, PieceMap, PullClass } from '../../../core/index.ts'
import type { HttpAdmission, PieceSource } from '../../outside.ts'
import type { AskedNames } from '../shared/asked-names.ts'
import { HTTP, type PieceJob } from './piece-job.ts'
import type { PieceRuns } from './piece-runs.ts'

export interface HttpRungComponents {
  readonly clock: Clock
  readonly random: Random
  readonly pieces: Pick<PieceSource, 'read'>
  readonly background: Background
  readonly downloads: TokenBucket
}

export interface HttpRungInit {
  readonly names: AskedNames
  readonly map: PieceMap
  readonly runs: PieceRuns
  /** At which class the pieces are asked for. */
  readonly pullClass: () => PullClass
  /** A request failed. */
  onFailed(err: AppError): void
  /** An origin gives the pieces to others, and these have them. */
  onNamed(peers: readonly PeerInfo[]): void
  /** A request ended; another one may be started. */
  onDone(): void
}

/** Requests at once, and bytes of one request. */
const WORKERS = 2
const RUN_BYTES = 8 * 1024 * 1024
/** A request without any byte for this long is given up. */
const SILENCE_MS = 10_000
const RETRY = { baseMs: 200, maxMs: 3_000, attempts: Number.POSITIVE_INFINITY }

/**
 * The source below the peers: piece-aligned ranges from the origins over HTTP, verified like all other pieces. It works
 * only when `climb` is called, which the pull does when no peer gives anything.
 */
export interface HttpRung {
  /** Why it rests at the moment; undefined when it could go on. */
  pause(nowMs: number): 'refused' | 'failed' | undefined
  climb(nowMs: number): void
  /** The bytes of a range were wrong; wait a while before the next request. */
  distrust(): void
}

export function httpRung(components: HttpRungComponents, init: HttpRungInit): HttpRung {
  const maxPieces = Math.max(1, Math.floor(RUN_BYTES / init.map.pieceLength))
  let workers = 0
  let failures = 0
  let notBeforeMs = 0
  let pause: 'refused' | 'failed' = 'failed'

  const rest = (err: AppError) => {
    failures += 1
    pause = 'failed'
    notBeforeMs = components.clock.monotonicMs() + backoffMs(RETRY, failures, components.random)
    init.onFailed(err)
  }

  /** The origins share what they give: that is no failure, and asking again too soon changes nothing. */
  const wait = ({ retryAfterMs, peers }: HttpAdmission, err: AppError) => {
    pause = 'refused'
    notBeforeMs = components.clock.monotonicMs() + Math.max(RETRY.baseMs, retryAfterMs)
    init.onFailed(err)
    init.onNamed(peers)
  }

  const fetch = async (run: readonly PieceJob[], signal: AbortSignal): Promise<void> => {
    const blob = init.names.current
    try {
      await fetchRun(components, init, { blob, run }, signal)
      init.names.gave(blob)
      failures = 0
    } catch (err) {
      const busy = busyOf(err)
      if (signal.aborted) return
      if (busy === undefined) {
        init.names.failed(blob)
        rest(toAppError(err, 'SOURCES_EXHAUSTED'))
      } else if (busy.pieces > 0 && busy.pieces < run.length) await fetch(run.slice(0, busy.pieces), signal)
      else wait(busy, toAppError(err))
    }
  }

  const work = async (run: readonly PieceJob[], signal: AbortSignal) => {
    try {
      await fetch(run, signal)
    } finally {
      workers -= 1
      for (const job of run) init.runs.abandon(job)
      if (!signal.aborted) init.onDone()
    }
  }

  return {
    pause: (nowMs) => (nowMs < notBeforeMs ? pause : undefined),
    distrust: () => rest(appError('PIECE_INVALID', { detail: { from: HTTP } })),
    climb(nowMs) {
      while (workers < WORKERS && nowMs >= notBeforeMs) {
        const run = init.runs.start(maxPieces)
        if (run.length === 0) return
        workers += 1
        components.background.run('http-rung', (signal) => work(run, signal))
      }
    },
  }
}

function busyOf(err: unknown): HttpAdmission | undefined {
  return isAppError(err) && err.code === 'ORIGIN_BUSY' ? (err.detail as unknown as HttpAdmission) : undefined
}

/** Fills the pieces of `run`, neighbours in ascending order, from one ranged read. */
async function fetchRun(
  { clock, pieces, downloads }: HttpRungComponents,
  { map, runs, pullClass }: HttpRungInit,
  { blob, run }: { readonly blob: BlobRef; readonly run: readonly PieceJob[] },
  outer: AbortSignal,
): Promise<void> {
  const first = run[0]
  const last = run.at(-1)
  if (first === undefined || last === undefined) return
  const range = { start: map.rangeOf(first.piece).start, end: map.rangeOf(last.piece).end }
  const silence = deadline(clock, SILENCE_MS, outer)
  let index = 0
  let filled = 0
  try {
    for await (const chunk of pieces.read(blob, range, { signal: silence.signal, pullClass: pullClass() })) {
      // What waits for the node's own rate is no silence of the origin.
      silence.hold()
      for (const job of run) job.held = true
      await downloads.take(chunk.length, { signal: outer })
      for (const job of run) job.held = false
      silence.touch()
      for (let at = 0; at < chunk.length; ) {
        const job = run[index]
        if (job === undefined) throw appError('SIZE_INVALID', { message: 'the origin sent more than was asked for' })
        const part = chunk.subarray(at, at + job.memory.length - filled)
        runs.write(job, part, filled)
        at += part.length
        filled += part.length
        if (filled < job.memory.length) continue
        runs.fill(job)
        index += 1
        filled = 0
      }
    }
  } finally {
    silence.release()
  }
  if (index < run.length) throw appError('SIZE_INVALID', { message: 'the origin sent less than was asked for' })
}
