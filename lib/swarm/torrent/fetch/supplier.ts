import type { SwarmLimits } from '../../limits.ts'
import type { PeerConnection } from '../../peer/index.ts'
import { type PaceInput, pipelineBlocks, type RateMeter, rateMeter, requestTimeoutMs } from '../../picker/index.ts'
import type { SourceNotes } from './source-book.ts'

/** A connected peer as a source of pieces. Changed only by the download that owns it. */
export interface Supplier {
  /** Its peer id. */
  readonly id: string
  readonly connection: PeerConnection
  readonly joinedMs: number
  /** What it did for the torrent, now and when it was connected before. */
  readonly notes: SourceNotes
  readonly rate: RateMeter
  /** The shortest time from a request to its block; undefined before the first block. */
  tripMs: number | undefined
  /** Pieces it said it would like to give (BEP 6 suggest), oldest first. */
  readonly suggested: Set<number>
  /** Number of blocks that were requested and not yet received. */
  openBlocks: number
  /** Timeouts in a row. */
  misses: number
  /** Number of rejections in a row; a busy peer is not at fault, it only gets a short pause. */
  rejections: number
  notBeforeMs: number
  /** It gave a wrong piece; nothing is asked of it until it is known who lied. */
  suspected: boolean
  /** Until when it does not give each of these pieces: others have them or are getting them. That is no fault. */
  readonly denied: Map<number, number>
  /** The version of the download at which nothing could be requested from the peer. */
  exhaustedAt: number
}

/** Suggestions kept of one peer. */
const MAX_SUGGESTED = 32

export function supplier(connection: PeerConnection, notes: SourceNotes, nowMs: number): Supplier {
  const rate = rateMeter()
  notes.rate = rate
  return {
    id: connection.hello.peerId,
    connection,
    joinedMs: nowMs,
    notes,
    rate,
    tripMs: undefined,
    suggested: new Set(),
    openBlocks: 0,
    misses: 0,
    rejections: 0,
    notBeforeMs: 0,
    suspected: false,
    denied: new Map(),
    exhaustedAt: -1,
  }
}

export function suggest(peer: Supplier, piece: number): void {
  peer.suggested.delete(piece)
  peer.suggested.add(piece)
  for (const oldest of peer.suggested) {
    if (peer.suggested.size <= MAX_SUGGESTED) break
    peer.suggested.delete(oldest)
  }
}

/** Whether it can be asked for the piece now. */
export function offers(peer: Supplier, piece: number, nowMs: number): boolean {
  return peer.connection.remoteHave.has(piece) && !isDenied(peer, piece, nowMs)
}

export function isDenied({ denied }: Supplier, piece: number, nowMs: number): boolean {
  return nowMs < (denied.get(piece) ?? Number.NEGATIVE_INFINITY)
}

/** After this many rejected blocks in a row, a peer is not relied on: twice the first requests to a new peer. */
const MAX_REJECTIONS = 8

/**
 * True when the peer serves this node and will probably continue: it was not late last time and does not only reject.
 */
export function isReliable({ connection, misses, rejections, suspected }: Supplier): boolean {
  return !suspected && !connection.choked && misses === 0 && rejections < MAX_REJECTIONS
}

/** How many more blocks can be asked of it now. */
export function freeBlocks(peer: Supplier, nowMs: number, limits: SwarmLimits): number {
  if (peer.suspected || peer.connection.choked || nowMs < peer.notBeforeMs) return 0
  return pipelineBlocks(paceOf(peer, limits), limits) - peer.openBlocks
}

/** When a block asked of it now counts as lost. */
export function timeoutOf(peer: Supplier, limits: SwarmLimits): number {
  const pace = paceOf(peer, limits)
  return requestTimeoutMs(pace, peer.openBlocks * pace.blockLength, limits)
}

function paceOf(
  { rate, tripMs, misses, connection }: Supplier,
  { blockLength }: Pick<SwarmLimits, 'blockLength'>,
): PaceInput {
  const parts = Math.ceil(blockLength / connection.hello.blockLength)
  return { bytesPerSecond: rate.bytesPerSecond, tripMs, blockLength, parts, misses }
}

/** Agents before origins, peers with a recent miss last, otherwise the fastest first. */
export function bySuitability(a: Supplier, b: Supplier): number {
  return rank(a) - rank(b) || a.misses - b.misses || (b.rate.bytesPerSecond ?? 0) - (a.rate.bytesPerSecond ?? 0)
}

function rank({ connection }: Supplier): number {
  return connection.hello.role === 'origin' ? 1 : 0
}
