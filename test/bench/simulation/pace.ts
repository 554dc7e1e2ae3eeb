import type { SwarmLimits } from '../../../lib/swarm/index.ts'
import { type PaceInput, pipelineBlocks } from '../../../lib/swarm/picker/index.ts'
import type { Connection } from './model.ts'
import type { Setting } from './setting.ts'

/** How many more pieces can be asked of the peer; the engine's rule in blocks. */
export function freePieces(peer: Connection, { timeline, scenario: { limits } }: Setting): number {
  if (peer.choked || peer.closed || timeline.nowMs < peer.notBeforeMs) return 0
  if (peer.pipelinePieces === undefined) {
    const blocks = pipelineBlocks(paceOf(peer, limits), limits)
    peer.pipelinePieces = Math.max(1, Math.round((blocks * limits.blockLength) / peer.mine.map.pieceLength))
  }
  return peer.pipelinePieces - peer.openPieces
}

export function paceOf({ rate, tripMs, misses }: Connection, { blockLength }: SwarmLimits): PaceInput {
  return { bytesPerSecond: rate.bytesPerSecond, tripMs, blockLength, parts: 1, misses }
}

/** Whom the engine asks first: agents before origins, who was late last, otherwise the fastest first. */
export function bySuitability(a: Connection, b: Connection): number {
  if (a.role !== b.role) return a.role === 'origin' ? 1 : -1
  return a.misses - b.misses || (b.rate.bytesPerSecond ?? 0) - (a.rate.bytesPerSecond ?? 0)
}
