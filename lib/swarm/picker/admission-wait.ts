/** What an origin knows when an agent asks for a piece that others have or fetch; times on a clock that only grows. */
export interface WaitInput {
  readonly nowMs: number
  /** When this agent was refused the piece for the first time. */
  readonly refusedMs: number
  /** When the piece was given last; undefined if that was not by this origin. */
  readonly givenMs: number | undefined
  /** The piece still waits in the origin's own queue for who was given it last. */
  readonly isQueued: boolean
  /** Some agent has the piece. */
  readonly isThere: boolean
  /** How long who fetches the piece will probably take, from being given it until it has it; undefined if nobody knows. */
  readonly fetchMs: number | undefined
  readonly asker: {
    readonly joinedMs: number
    /** How many pieces it has got since it joined, and when the last of them came. */
    readonly got: number
    readonly gotMs: number | undefined
    /** How many pieces it misses. */
    readonly missing: number
  }
}

/** Limits of the wait for a piece that is being fetched, as long as agents are not slower than this. */
const MIN_WAIT_MS = 1_000
const MAX_WAIT_MS = 8_000
/** The wait before any agent has got a piece. */
const FIRST_WAIT_MS = 3_000
/** The wait in times of the time that a piece takes; and in times of a time that is longer than the limits above. */
const WAIT_FACTOR = 4
const SLOW_FACTOR = 1.5
/** An agent that has got nothing for this long gets what it was refused. */
const MAX_PATIENCE_MS = 16_000
/** And every agent after this long: a reader fails after 30 s without a byte, and the piece still has to be sent. */
const LAST_PATIENCE_MS = 24_000

/**
 * How much longer the agent has to wait for the piece; not positive when it gets it now.
 *
 * - While others fetch the piece, it waits some times as long as they need for it, and this time begins when the piece
 *   has left the origin: until then nobody could have passed it on.
 * - When others have the piece, it waits until it should have everything at the rate that it has shown.
 * - Who gets nothing any more waits `MAX_PATIENCE_MS` from its last piece on, and nobody waits longer than
 *   `LAST_PATIENCE_MS`.
 */
export function admissionWaitMs(input: WaitInput): number {
  const { nowMs, refusedMs, givenMs = refusedMs, isQueued, asker } = input
  const sinceMs = isQueued ? nowMs : Math.max(refusedMs, givenMs)
  const patientSinceMs = Math.max(refusedMs, asker.gotMs ?? refusedMs)
  const patienceEndMs = Math.min(patientSinceMs + MAX_PATIENCE_MS, refusedMs + LAST_PATIENCE_MS)
  return Math.min(sinceMs + fullWaitMs(input), patienceEndMs) - nowMs
}

function fullWaitMs({ isThere, fetchMs, nowMs, asker }: WaitInput): number {
  if (isThere)
    return slowWaitMs(MAX_WAIT_MS, asker.got === 0 ? 0 : ((nowMs - asker.joinedMs) * asker.missing) / asker.got)
  if (fetchMs === undefined) return FIRST_WAIT_MS
  const usualMs = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, WAIT_FACTOR * fetchMs))
  return slowWaitMs(usualMs, fetchMs)
}

/** A wait that is too short for slow agents is as long as they need. */
function slowWaitMs(usualMs: number, neededMs: number): number {
  return Math.max(usualMs, Math.min(LAST_PATIENCE_MS, SLOW_FACTOR * neededMs))
}
