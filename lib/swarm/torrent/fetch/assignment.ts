import { type PickPeer, pickPiece } from '../../picker/index.ts'
import type { Assigned, AssignmentView } from './assignment-contract.ts'
import type { BlockState, PieceJob } from './piece-job.ts'
import { canRepeat, mayRepeat, repeatAtEnd, repeatForReader } from './repeats.ts'
import { offers, type Supplier } from './supplier.ts'

/**
 * What to request from `peer` next: a block that a reader waits for and another peer is late with; the rest of its own
 * piece; a piece whose peer left; a new piece, as the picker says; blocks of a slow peer's piece; from an agent, a block
 * that an origin was asked for before an agent had it; and at the very end, when all that is missing is requested, a
 * block that another peer is slow with (from agents only: the upload of origins is the scarcest).
 */
export function nextBlock(view: AssignmentView, peer: Supplier): Assigned | undefined {
  const { jobs } = view
  const has = (job: PieceJob) => offers(peer, job.piece, view.nowMs)
  const late = repeatForReader(view, peer)
  if (late !== undefined) return late
  const own = jobs.findUnasked((job) => job.owner === peer.id && has(job))
  if (own !== undefined) return own
  const orphan = jobs.findUnasked((job) => job.owner === undefined && has(job))
  if (orphan !== undefined) {
    orphan.job.owner = peer.id
    return orphan
  }
  return (
    startPiece(view, peer) ??
    jobs.findUnasked((job) => !job.whole && has(job) && maySpill(view, job, peer)) ??
    relieve(view, peer) ??
    repeatAtEnd(view, peer)
  )
}

function startPiece(view: AssignmentView, peer: Supplier): Assigned | undefined {
  if (!view.jobs.room && view.jobs.size > 0) return undefined
  const piece = pickPiece(view.pick, pickPeer(view, peer))
  if (piece === undefined || !view.jobs.claimRoom()) return undefined
  const job = view.jobs.start(piece, { owner: peer.id, whole: view.suspects.has(piece), nowMs: view.nowMs })
  const block = job.blocks[0]
  return block === undefined ? undefined : { job, block }
}

function pickPeer({ pick }: AssignmentView, { id, connection, suggested, openBlocks }: Supplier): PickPeer {
  return { role: connection.hello.role, offer: pick.pieces.offerOf(id), suggested, idle: openBlocks === 0 }
}

/** An origin helps with a piece only if an origin already gives it, its owner missed, or a reader cannot wait. */
function maySpill({ suppliers, windows }: AssignmentView, job: PieceJob, peer: Supplier): boolean {
  if (peer.connection.hello.role === 'agent' || job.owner === undefined) return true
  const owner = suppliers.get(job.owner)
  if (owner === undefined || owner.misses > 0 || owner.connection.hello.role === 'origin') return true
  return windows.some(({ next, urgent }) => urgent && next === job.piece)
}

/** A block that an origin was asked for, and only origins. */
function relieve(view: AssignmentView, peer: Supplier): Assigned | undefined {
  if (peer.connection.hello.role === 'origin') return undefined
  const isOrigins = ({ asks }: BlockState) => [...asks.keys()].every((id) => view.suppliers.isOrigin(id))
  for (const job of view.jobs) {
    if (!mayRepeat(view, job, peer)) continue
    const block = job.blocks.find((candidate) => canRepeat(candidate, peer) && isOrigins(candidate))
    if (block !== undefined) return { job, block, instead: true }
  }
  return undefined
}
