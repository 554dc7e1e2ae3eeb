/** Bytes per second over busy time: the time during which something was asked. */
export interface RateMeter {
  /** Undefined before enough was seen. */
  readonly bytesPerSecond: number | undefined
  /** A request is sent while none is open. */
  begin(nowMs: number): void
  /** Payload has come. */
  add(bytes: number, nowMs: number): void
}

/** One sample takes at least this long; single blocks come in bursts. */
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
      // The pause before it was not the peer's.
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
  /** Undefined before enough was seen. */
  readonly bytesPerSecond: number | undefined
  readonly blockLength: number
  /** Timeouts in a row. */
  readonly misses: number
}

export interface PaceLimits {
  readonly minPipelineBlocks: number
  readonly maxPipelineBlocks: number
  readonly minRequestTimeoutMs: number
  readonly maxRequestTimeoutMs: number
}

/** What is kept on the way to a peer covers this much time at its rate. */
const PIPELINE_MS = 100
const UNKNOWN_RATE_TIMEOUT_MS = 5_000
const PATIENCE = 4

/**
 * How many blocks are asked of a peer at once: one after a timeout, else what its rate fills; of a slow one no more than
 * it can give before they count as lost.
 */
export function pipelineBlocks({ bytesPerSecond, blockLength, misses }: PaceInput, limits: PaceLimits): number {
  if (misses > 0) return 1
  if (bytesPerSecond === undefined) return limits.minPipelineBlocks
  const wanted = Math.ceil((bytesPerSecond * PIPELINE_MS) / 1000 / blockLength)
  const inTime = Math.floor((bytesPerSecond * limits.maxRequestTimeoutMs) / 1000 / PATIENCE / blockLength)
  const least = Math.max(1, Math.min(limits.minPipelineBlocks, inTime))
  return Math.min(limits.maxPipelineBlocks, Math.max(least, wanted))
}

/** When a block counts as lost, with `aheadBytes` asked before it: four times the expected time, doubled by each miss. */
export function requestTimeoutMs(input: PaceInput, aheadBytes: number, limits: PaceLimits): number {
  const { bytesPerSecond, blockLength, misses } = input
  const expected =
    bytesPerSecond === undefined
      ? UNKNOWN_RATE_TIMEOUT_MS
      : (PATIENCE * 1000 * (aheadBytes + blockLength)) / Math.max(1, bytesPerSecond)
  const floor = Math.max(limits.minRequestTimeoutMs, expected)
  return Math.min(limits.maxRequestTimeoutMs, floor * 2 ** Math.min(misses, 6))
}
