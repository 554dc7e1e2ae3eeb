import type { Pull, WaitCause, WaitSide } from '../state/pulls.ts'

/** In whose hands each wait lies: that of the services, of peers, of the node itself, or of the client. */
const sides: Readonly<Record<WaitCause, WaitSide>> = {
  ...{ lookup: 'cluster', metainfo: 'cluster', bringing: 'cluster', noPeers: 'cluster', originFailed: 'cluster' },
  ...{ dialling: 'peers', unheld: 'peers', busy: 'peers', refused: 'peers', queued: 'peers', arriving: 'peers' },
  ...{ slowPeer: 'peers', http: 'peers', timedOut: 'peers', wrongBytes: 'peers' },
  ...{ ownLimit: 'node', memory: 'node', hash: 'node', disk: 'node', digest: 'node', standstill: 'node' },
  client: 'client',
}

export const sideOf = (cause: WaitCause): WaitSide => sides[cause]

/** A stretch of the length of a pull, in percent of the whole. */
export interface Stretch {
  readonly from: number
  readonly width: number
}

/** Where a wait lies in a pull. What began after the last look reaches to the end, and nothing is too small to be seen. */
export function stretchOf({ atMs, ms }: { readonly atMs: number; readonly ms: number }, totalMs: number): Stretch {
  const whole = Math.max(totalMs, atMs + ms, 1)
  const width = Math.min(100, Math.max(0.5, (100 * ms) / whole))
  return { from: Math.min(100 - width, (100 * atMs) / whole), width }
}

/** Bytes per second of all that came; undefined while nothing can be said. */
export function speedOf({ bytes, totalMs }: Pick<Pull, 'bytes' | 'totalMs'>): number | undefined {
  const all = bytes.peer + bytes.origin + bytes.http + bytes.cache
  return all > 0 && totalMs > 0 ? (all / totalMs) * 1000 : undefined
}
