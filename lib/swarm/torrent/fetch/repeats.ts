import type { Assigned, AssignmentView } from './assignment-contract.ts'
import { type BlockState, isUnasked, type PieceJob } from './piece-job.ts'
import { isReliable, offers, type Supplier } from './supplier.ts'

/** Requests of one block at once. */
const MAX_ASKS = 2

/** At the end a block is asked for again after this part of the time for which a reader waits. */
const END_PATIENCE_SHARE = 0.5

/** An origin gives what an agent could give as well only after so many times the time for which a reader waits. */
const ORIGIN_PATIENCE = 2

/**
 * **When a block is asked of a second peer, while the first one may still give it.** Only where somebody gains by it: a
 * reader that has waited for its next piece and whose block takes longer than usual, or the end of the blob, where peers
 * have nothing else to give. Never in mid-download, where a second copy of a block takes the place of a first one of
 * another; always within the torrent's `RepeatBudget`. Who answers first wins, and the other is told to stop.
 */
export function repeatForReader(view: AssignmentView, peer: Supplier): Assigned | undefined {
  const { windows, patienceMs } = view
  if (!windows.some(({ urgent }) => urgent) || !mayAskTwice(view)) return undefined
  for (const { next, urgent } of windows) {
    const job = urgent ? view.jobs.get(next) : undefined
    const block = job === undefined ? undefined : lateBlock(view, job, { peer, patienceMs })
    if (job !== undefined && block !== undefined) return { job, block, repeat: 'reader' }
  }
  return undefined
}

/** From agents only: the upload of origins is the scarcest. */
export function repeatAtEnd(view: AssignmentView, peer: Supplier): Assigned | undefined {
  const { jobs, leftBytes } = view
  if (peer.connection.hello.role === 'origin' || jobs.bytes < leftBytes || !mayAskTwice(view)) return undefined
  const patienceMs = view.patienceMs * END_PATIENCE_SHARE
  for (const job of jobs) {
    const block = lateBlock(view, job, { peer, patienceMs })
    if (block !== undefined) return { job, block, repeat: 'end' }
  }
  return undefined
}

/** Only a piece from a single peer shows who lied, so such a piece is not requested from others. */
export function mayRepeat({ suspects, nowMs }: AssignmentView, job: PieceJob, peer: Supplier): boolean {
  return !job.whole && !suspects.has(job.piece) && offers(peer, job.piece, nowMs)
}

/** Somebody else was asked for the block, and the peer was not. */
export function canRepeat(block: BlockState, peer: Supplier): boolean {
  return block.givenBy === undefined && !isUnasked(block) && !block.asks.has(peer.id) && block.asks.size < MAX_ASKS
}

/** It looks at every piece under way: ask once for each request, not once for each piece. */
function mayAskTwice({ repeats, jobs }: AssignmentView): boolean {
  return repeats.allows(jobs.repeatedBytes)
}

interface SecondAsk {
  readonly peer: Supplier
  readonly patienceMs: number
}

function lateBlock(view: AssignmentView, job: PieceJob, { peer, patienceMs }: SecondAsk): BlockState | undefined {
  if (!mayRepeat(view, job, peer)) return undefined
  const block = job.blocks.find((each) => canRepeat(each, peer) && isLate(each, view.nowMs, patienceMs))
  if (block === undefined || peer.connection.hello.role === 'agent') return block
  const isAgents = isLate(block, view.nowMs, patienceMs * ORIGIN_PATIENCE) ? false : agentHas(view, job, block)
  return isAgents ? undefined : block
}

/** A request that waits for the node's own download rate is not late. */
function isLate({ asks }: BlockState, nowMs: number, patienceMs: number): boolean {
  for (const { askedMs } of asks.values()) {
    if (askedMs === undefined || nowMs - askedMs < patienceMs) return false
  }
  return true
}

/** An agent that can be relied on has the piece and was not asked: it is as good as an origin, and has room soon. */
function agentHas({ suppliers, nowMs }: AssignmentView, { piece }: PieceJob, { asks }: BlockState): boolean {
  return suppliers.some(
    (peer) =>
      peer.connection.hello.role === 'agent' && !asks.has(peer.id) && isReliable(peer) && offers(peer, piece, nowMs),
  )
}
