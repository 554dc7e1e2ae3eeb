import { type ByteRange, lessUrgent, type ReadPriority, rangeLength } from '../../core/index.ts'

export interface ReadAheadLimits {
  readonly minAheadBytes: number
  readonly maxAheadBytes: number
  /** What follows the last range of a sequence is read ahead for so long. */
  readonly aheadMs: number
}

/** Bytes that are wanted, and how much. */
export interface WantedSpan {
  readonly range: ByteRange
  readonly priority: ReadPriority
}

/** How far a reader of a long range is ahead of its client: as far as it has come, within the limits. */
export function aheadBytes(takenBytes: number, { minAheadBytes, maxAheadBytes }: ReadAheadLimits): number {
  return Math.min(maxAheadBytes, Math.max(minAheadBytes, takenBytes))
}

/** Ranges that follow each other with smaller gaps than this are read in sequence: clients leave out what they have. */
const GAP_BYTES = 128 * 1024
/** Sequences that are remembered; a client has some connections, each with one. */
const MOST_SEQUENCES = 16

interface Sequence {
  /** Where its last range begins, and where its furthest ends. */
  start: number
  end: number
  /** 0 until a second range followed the first. */
  aheadBytes: number
  priority: ReadPriority
  usedMs: number
}

/**
 * What clients of a blob will want soon, told by the order in which they open its ranges: nothing after ranges here and
 * there; after ranges that follow each other, the bytes behind them, twice as many with each.
 */
export class ReadAhead {
  readonly #limits: ReadAheadLimits
  /** The one that was used last is the last. */
  readonly #sequences: Sequence[] = []

  constructor(limits: ReadAheadLimits) {
    this.#limits = limits
  }

  /** A client opens a range. */
  opened(range: ByteRange, priority: ReadPriority, nowMs: number): void {
    if (rangeLength(range) <= 0) return
    const at = this.#sequences.findIndex((each) => belongs(range, each))
    const [known] = at < 0 ? [] : this.#sequences.splice(at, 1)
    this.#sequences.push(known === undefined ? begun(range, priority, nowMs) : this.#continued(known, range, nowMs))
    if (this.#sequences.length > MOST_SEQUENCES) this.#sequences.shift()
    if (known !== undefined) known.priority = priority
  }

  /** What is worth bringing for the next ranges, the latest sequence first; it may reach beyond the blob. */
  spans(nowMs: number): readonly WantedSpan[] {
    const alive = this.#sequences.filter(({ usedMs, aheadBytes: ahead }) => {
      return ahead > 0 && nowMs - usedMs < this.#limits.aheadMs
    })
    return alive.reverse().map(({ end, aheadBytes: ahead, priority }) => {
      return { range: { start: end, end: end + ahead }, priority: lessUrgent(priority) }
    })
  }

  #continued(known: Sequence, { start, end }: ByteRange, nowMs: number): Sequence {
    const { minAheadBytes, maxAheadBytes } = this.#limits
    if (end > known.end) {
      known.aheadBytes = Math.min(maxAheadBytes, Math.max(minAheadBytes, 2 * known.aheadBytes))
      known.start = start
      known.end = end
    }
    known.usedMs = nowMs
    return known
  }
}

function begun({ start, end }: ByteRange, priority: ReadPriority, nowMs: number): Sequence {
  return { start, end, aheadBytes: 0, priority, usedMs: nowMs }
}

/** It goes on where the sequence ends, or asks again for a part of its last range, as overlapping requests do. */
function belongs({ start, end }: ByteRange, known: Sequence): boolean {
  if (end <= known.end) return start >= known.start
  return start > known.start && start <= known.end + GAP_BYTES
}
