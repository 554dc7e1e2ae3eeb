/** The rate counts what came in this time. */
const WINDOW_MS = 5_000

/** How fast bytes came of late. */
export interface RecentRate {
  /** So many bytes are there at this time; call it regularly. Bytes per second; 0 while it is not known. */
  at(nowMs: number, bytes: number): number
}

export function recentRate(): RecentRate {
  const samples: { readonly atMs: number; readonly bytes: number }[] = []
  return {
    at(nowMs, bytes) {
      samples.push({ atMs: nowMs, bytes })
      while (samples.length > 2 && (samples[1]?.atMs ?? 0) <= nowMs - WINDOW_MS) samples.shift()
      const [first] = samples
      if (first === undefined || first.atMs >= nowMs) return 0
      return ((bytes - first.bytes) * 1_000) / (nowMs - first.atMs)
    },
  }
}
