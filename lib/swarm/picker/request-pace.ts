/** Bytes per second of busy time, which is the time with at least one open request. */
export interface RateMeter {
  /** Undefined until there is enough data. */
  readonly bytesPerSecond: number | undefined
  /** Call it when a request is sent while no other is open. */
  begin(nowMs: number): void
  /** Call it when payload has arrived. */
  add(bytes: number, nowMs: number): void
}

/** Shortest time of one sample, because single blocks come in bursts. */
const SAMPLE_MS = 50
const WEIGHT = 0.3

export function rateMeter(): RateMeter {
  let sinceMs = 0
  let bytes = 0
  let rate: number | undefined
  return {
    get bytesPerSecond() {
      return rate
    },
    begin(nowMs) {
      // The peer did not cause the pause before this.
      if (bytes === 0) sinceMs = nowMs
    },
    add(count, nowMs) {
      bytes += count
      const elapsed = nowMs - sinceMs
      if (elapsed < SAMPLE_MS) return
      const sample = (bytes * 1000) / elapsed
      rate = rate === undefined ? sample : rate + (sample - rate) * WEIGHT
      bytes = 0
      sinceMs = nowMs
    },
  }
}

export interface PaceInput {
  /** Undefined until there is enough data. */
  readonly bytesPerSecond: number | undefined
  /** The shortest time from a request to the last byte of its block; undefined before the first block. */
  readonly tripMs: number | undefined
  /** Bytes that one request of ours is for; `parts` messages carry them. */
  readonly blockLength: number
  readonly parts: number
  /** Number of timeouts in a row. */
  readonly misses: number
}

export interface PaceLimits {
  readonly minPipelineBlocks: number
  readonly maxPipelineBlocks: number
  readonly maxOpenRequests: number
  readonly minRequestTimeoutMs: number
  readonly maxRequestTimeoutMs: number
}

/** The open requests to a peer cover a trip, and beyond that this much time at its rate. */
const PIPELINE_MS = 100
/** So many at least, so that a peer always has one to begin with when it ends another. */
const LEAST_BLOCKS = 2
const UNKNOWN_RATE_TIMEOUT_MS = 5_000
const PATIENCE = 4

/**
 * How many blocks to request from a peer at a time: one after a timeout, else its rate times the time of a trip and of a
 * short queue. A rate measured with too few requests is too low by that, and the queue makes them more until the peer is
 * the limit; so a far peer is kept busy, and a slow one holds few blocks: no more than it can give before they count as
 * lost.
 */
export function pipelineBlocks(input: PaceInput, limits: PaceLimits): number {
  const { bytesPerSecond, tripMs = 0, blockLength, parts, misses } = input
  if (misses > 0) return 1
  const most = Math.max(1, Math.min(limits.maxPipelineBlocks, Math.floor(limits.maxOpenRequests / parts)))
  if (bytesPerSecond === undefined) return Math.min(most, limits.minPipelineBlocks)
  const wanted = Math.ceil((bytesPerSecond * (tripMs + PIPELINE_MS)) / 1000 / blockLength)
  const inTime = Math.floor((bytesPerSecond * limits.maxRequestTimeoutMs) / 1000 / PATIENCE / blockLength)
  return Math.max(1, Math.min(most, inTime, Math.max(LEAST_BLOCKS, wanted)))
}

/**
 * When a block counts as lost, with `aheadBytes` requested before it: four times the expected time, which is never less
 * than a trip, doubled after each miss.
 */
export function requestTimeoutMs(input: PaceInput, aheadBytes: number, limits: PaceLimits): number {
  const { bytesPerSecond, tripMs = 0, blockLength, misses } = input
  const expected =
    bytesPerSecond === undefined
      ? UNKNOWN_RATE_TIMEOUT_MS
      : PATIENCE * Math.max(tripMs, (1000 * (aheadBytes + blockLength)) / Math.max(1, bytesPerSecond))
  const floor = Math.max(limits.minRequestTimeoutMs, expected)
  return Math.min(limits.maxRequestTimeoutMs, floor * 2 ** Math.min(misses, 6))
}
