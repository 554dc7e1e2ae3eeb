import { type PickPeer, type PickView, pickPiece, type ReaderWindow } from '../../picker/index.ts'
import { type BlockState, isUnasked, type PieceJob } from './piece-job.ts'
import type { PieceJobs } from './piece-jobs.ts'
import { offers, type Supplier } from './supplier.ts'
import type { Suppliers } from './suppliers.ts'
import type { Suspects } from './suspects.ts'

/** One request to be made. */
export interface Assigned {
  readonly job: PieceJob
  readonly block: BlockState
  /** Who was asked for the block before is told to stop. */
  readonly instead?: true
}

export interface AssignmentView {
  readonly jobs: PieceJobs
  readonly suppliers: Suppliers
  readonly suspects: Pick<Suspects, 'has'>
  /** The torrent as the picker sees it. */
  readonly pick: PickView
  readonly windows: readonly ReaderWindow[]
  readonly nowMs: number
  /** A block that a reader waits for is requested from a second peer after this time. */
  readonly patienceMs: number
  /** Bytes of the blob that are not here. */
  readonly leftBytes: number
}

/** Requests of one block at once. */
const MAX_ASKS = 2

/** Repeated requests of one torrent at once: each may bring a block for the second time. */
const MAX_REPEATS = 8

/** At the end a block is asked for again after this part of the time for which a reader waits. */
const END_PATIENCE_SHARE = 0.5

/**
 * What to request from `peer` next: a block that a reader waits for and another peer is late with; the rest of its own
 * piece; a piece whose peer left; a new piece, as the picker says; blocks of a slow peer's piece; from an agent, a block
 * that an origin was asked for before an agent had it; and at the very end, when all that is missing is requested, a
 * block that another peer is slow with (from agents only: the upload of origins is the scarcest).
 */
export function nextBlock(view: AssignmentView, peer: Supplier): Assigned | undefined {
  const { jobs } = view
  const asker = { view, peer }
  const late = rescue(view, peer)
  if (late !== undefined) return late
  const own = jobs.findUnasked(isOwn, asker)
  if (own !== undefined) return own
  const orphan = jobs.findUnasked(isOrphan, asker)
  if (orphan !== undefined) {
    orphan.job.owner = peer.id
    return orphan
  }
  return startPiece(view, peer) ?? jobs.findUnasked(maySpill, asker) ?? relieve(view, peer) ?? endgame(view, peer)
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
  if (piece === undefined) return undefined
  if (!view.jobs.room) {
    view.jobs.awaitRoom()
    return undefined
  }
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

/** Also from origins: a stalled reader costs more than a second copy of a block. */
function rescue(view: AssignmentView, peer: Supplier): Assigned | undefined {
  for (const { next, urgent } of view.windows) {
    const job = urgent ? view.jobs.get(next) : undefined
    if (job === undefined || !mayRepeat(view, job, peer)) continue
    const block = job.blocks.find((candidate) => canRepeat(candidate, peer) && isLate(candidate, view))
    if (block !== undefined && view.jobs.repeats < MAX_REPEATS) return { job, block }
  }
  return undefined
}

/** A request that waits for the node's own download rate is not late. */
function isLate(block: BlockState, { nowMs, patienceMs }: Pick<AssignmentView, 'nowMs' | 'patienceMs'>): boolean {
  for (const { askedMs } of block.asks.values()) {
    if (askedMs === undefined || nowMs - askedMs < patienceMs) return false
  }
  return true
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

/** Never in mid-download, where a second copy of a block takes the place of a first one of another. */
function endgame(view: AssignmentView, peer: Supplier): Assigned | undefined {
  const { jobs, nowMs } = view
  if (peer.connection.hello.role === 'origin' || jobs.bytes < view.leftBytes || jobs.repeats >= MAX_REPEATS) {
    return undefined
  }
  const slow = { nowMs, patienceMs: view.patienceMs * END_PATIENCE_SHARE }
  for (const job of jobs) {
    if (!mayRepeat(view, job, peer)) continue
    const block = job.blocks.find((candidate) => canRepeat(candidate, peer) && isLate(candidate, slow))
    if (block !== undefined) return { job, block }
  }
  return undefined
}

/** Only a piece from a single peer shows who lied, so such a piece is not requested from others. */
function mayRepeat({ suspects, nowMs }: AssignmentView, job: PieceJob, peer: Supplier): boolean {
  return !job.whole && !suspects.has(job.piece) && offers(peer, job.piece, nowMs)
}

function canRepeat(block: BlockState, peer: Supplier): boolean {
  return block.givenBy === undefined && !isUnasked(block) && !block.asks.has(peer.id) && block.asks.size < MAX_ASKS
}
