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
  readonly blockLength: number
  /** Number of timeouts in a row. */
  readonly misses: number
}

export interface PaceLimits {
  readonly minPipelineBlocks: number
  readonly maxPipelineBlocks: number
  readonly minRequestTimeoutMs: number
  readonly maxRequestTimeoutMs: number
}

/** The open requests to a peer cover this much time at its rate. */
const PIPELINE_MS = 100
const UNKNOWN_RATE_TIMEOUT_MS = 5_000
const PATIENCE = 4

/**
 * How many blocks to request from a peer at a time: one after a timeout, else as many as fill its rate; from a slow
 * peer no more than it can give before they count as lost.
 */
export function pipelineBlocks({ bytesPerSecond, blockLength, misses }: PaceInput, limits: PaceLimits): number {
  if (misses > 0) return 1
  if (bytesPerSecond === undefined) return limits.minPipelineBlocks
  const wanted = Math.ceil((bytesPerSecond * PIPELINE_MS) / 1000 / blockLength)
  const inTime = Math.floor((bytesPerSecond * limits.maxRequestTimeoutMs) / 1000 / PATIENCE / blockLength)
  const least = Math.max(1, Math.min(limits.minPipelineBlocks, inTime))
  return Math.min(limits.maxPipelineBlocks, Math.max(least, wanted))
}

/**
 * When a block counts as lost, with `aheadBytes` requested before it: four times the expected time, doubled after each
 * miss.
 */
export function requestTimeoutMs(input: PaceInput, aheadBytes: number, limits: PaceLimits): number {
  const { bytesPerSecond, blockLength, misses } = input
  const expected =
    bytesPerSecond === undefined
      ? UNKNOWN_RATE_TIMEOUT_MS
      : (PATIENCE * 1000 * (aheadBytes + blockLength)) / Math.max(1, bytesPerSecond)
  const floor = Math.max(limits.minRequestTimeoutMs, expected)
  return Math.min(limits.maxRequestTimeoutMs, floor * 2 ** Math.min(misses, 6))
}
