import { type PickPeer, pickPiece } from '../../picker/index.ts'
import type { Assigned, AssignmentView } from './assignment-contract.ts'
import type { BlockState, PieceJob } from './piece-job.ts'
import { canRepeat, mayRepeat, repeatAtEnd, repeatForReader } from './repeats.ts'
import { offers, type Supplier } from './supplier.ts'
import type { Suppliers } from './suppliers.ts'

/**
 * What to request from `peer` next: a block that a reader waits for and another peer is late with; the rest of its own
 * piece; a piece whose peer left; a new piece, as the picker says; blocks of a slow peer's piece; from an agent, a block
 * that an origin was asked for before an agent had it; and at the very end, when all that is missing is requested, a
 * block that another peer is slow with (from agents only: the upload of origins is the scarcest).
 */
export function nextBlock(view: AssignmentView, peer: Supplier): Assigned | undefined {
  const { jobs } = view
  const asker = { view, peer }
  const late = repeatForReader(view, peer)
  if (late !== undefined) return late
  const own = jobs.findUnasked(isOwn, asker)
  if (own !== undefined) return own
  const orphan = jobs.findUnasked(isOrphan, asker)
  if (orphan !== undefined) {
    orphan.job.owner = peer.id
    return orphan
  }
  return startPiece(view, peer) ?? jobs.findUnasked(maySpill, asker) ?? relieve(view, peer) ?? repeatAtEnd(view, peer)
}

/** Who could take a block. */
interface Asker {
  readonly view: AssignmentView
  readonly peer: Supplier
}

function isOwn(job: PieceJob, { view, peer }: Asker): boolean {
  return job.owner === peer.id && offers(peer, job.piece, view.nowMs)
}

function isOrphan(job: PieceJob, { view, peer }: Asker): boolean {
  return job.owner === undefined && offers(peer, job.piece, view.nowMs)
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
function maySpill(job: PieceJob, { view, peer }: Asker): boolean {
  if (job.whole || !offers(peer, job.piece, view.nowMs)) return false
  if (peer.connection.hello.role === 'agent' || job.owner === undefined) return true
  const owner = view.suppliers.get(job.owner)
  if (owner === undefined || owner.misses > 0 || owner.connection.hello.role === 'origin') return true
  return view.windows.some(({ next, urgent }) => urgent && next === job.piece)
}

/** A block that an origin was asked for, and only origins. */
function relieve(view: AssignmentView, peer: Supplier): Assigned | undefined {
  const { suppliers, jobs } = view
  if (peer.connection.hello.role === 'origin' || !suppliers.originsOwe) return undefined
  for (const job of jobs) {
    if (!mayRepeat(view, job, peer)) continue
    for (const block of job.blocks) {
      if (canRepeat(block, peer) && isOfOrigins(block, suppliers)) return { job, block, instead: true }
    }
  }
  return undefined
}

function isOfOrigins({ asks }: BlockState, suppliers: Suppliers): boolean {
  for (const id of asks.keys()) if (!suppliers.isOrigin(id)) return false
  return true
}
