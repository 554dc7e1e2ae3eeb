/** How much an upload that has not become a blob is still needed. */
export type UploadRest =
  /** Somebody sends, reads, hashes or closes it, or did so a moment ago. */
  | 'used'
  /** Nobody has used it for a while: it goes when a push would be refused otherwise. */
  | 'quiet'
  /** Nobody will come back for it: it goes before any blob does. */
  | 'abandoned'

/** The requests of one push follow each other within a second or two; a client that tries again waits longer. */
const QUIET_MS = 10_000

/** Clients that continue a broken upload at all do so within this time. */
const ABANDONED_MS = 5 * 60_000

export interface UploadUse {
  readonly busy: boolean
  /** Milliseconds since the epoch of the last use. */
  readonly usedAtMs: number
  /** Its last bytes were refused for lack of room: its client was told so, and clients then start anew. */
  readonly refused: boolean
}

/** The rule by which uploads make room for others. */
export function uploadRest({ busy, usedAtMs, refused }: UploadUse, nowMs: number): UploadRest {
  if (busy) return 'used'
  const idleMs = nowMs - usedAtMs
  if (refused || idleMs >= ABANDONED_MS) return 'abandoned'
  return idleMs >= QUIET_MS ? 'quiet' : 'used'
}
