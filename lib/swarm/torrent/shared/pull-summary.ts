import type { Digest } from '../../../core/index.ts'
import type { SourceRecord } from './source-record.ts'

/** Who gave a piece: an agent, an origin as a peer of the swarm, or an origin over HTTP. */
export type PieceSourceKind = 'peer' | 'origin' | 'http'

/** Payload bytes by source; `cache` counts the bytes that were here when the pull began. */
export type BytesBySource = Readonly<Record<PieceSourceKind | 'cache', number>>

export const noBytes: BytesBySource = { peer: 0, origin: 0, http: 0, cache: 0 }

/** What one pull did; the facts of its log line. */
export interface PullSummary {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly bytes: BytesBySource
  /** From the opening to the first byte read; undefined when none was. */
  readonly firstByteMs: number | undefined
  /** From the opening to the close of the handle. */
  readonly totalMs: number
  /** Code of the last step that failed, even when another source then gave the bytes. */
  readonly lastStepFailed: string | undefined
  /**
   * `done`: a reader got all it wanted. `unread`: nothing was read, as for a HEAD. `left`: the reader went away before
   * the end. Otherwise the code of the error with which the read failed. `running` until the close.
   */
  readonly outcome: string
  /** The peers that did something for it meanwhile. */
  readonly sources: readonly SourceRecord[]
}

/** The difference between two readings of the counters; all bytes from before, whoever gave them, count as `cache`. */
export function bytesSince(before: BytesBySource, now: BytesBySource): BytesBySource {
  return {
    peer: now.peer - before.peer,
    origin: now.origin - before.origin,
    http: now.http - before.http,
    cache: now.cache + before.peer + before.origin + before.http,
  }
}
