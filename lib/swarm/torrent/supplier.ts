import { setMaxListeners } from 'node:events'
import type { Block, PeerConnection, RequestOptions } from '../peer/index.ts'
import { type PaceLimits, pipelineBlocks, type RateMeter, rateMeter, requestTimeoutMs } from '../picker/index.ts'

/** A connected peer as a source of pieces. Changed only by the download that owns it. */
export interface Supplier {
  /** Its peer id. */
  readonly id: string
  readonly connection: PeerConnection
  readonly joinedMs: number
  readonly rate: RateMeter
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

export function supplier(connection: PeerConnection, nowMs: number): Supplier {
  return {
    id: connection.hello.peerId,
    connection,
    joinedMs: nowMs,
    rate: rateMeter(),
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
export function offers({ connection, denied }: Supplier, piece: number, nowMs: number): boolean {
  return connection.remoteHave.has(piece) && !isDenied(denied, piece, nowMs)
}

export function isDenied(denied: Map<number, number>, piece: number, nowMs: number): boolean {
  const untilMs = denied.get(piece)
  if (untilMs === undefined || nowMs < untilMs) return untilMs !== undefined
  denied.delete(piece)
  return false
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
export function freeBlocks(peer: Supplier, nowMs: number, limits: PaceLimits): number {
  if (peer.suspected || peer.connection.choked || nowMs < peer.notBeforeMs) return 0
  return pipelineBlocks(paceOf(peer), limits) - peer.openBlocks
}

/** When a block asked of it now counts as lost. */
export function timeoutOf(peer: Supplier, limits: PaceLimits): number {
  const pace = paceOf(peer)
  return requestTimeoutMs(pace, peer.openBlocks * pace.blockLength, limits)
}

function paceOf(peer: Supplier) {
  return {
    bytesPerSecond: peer.rate.bytesPerSecond,
    blockLength: peer.connection.hello.blockLength,
    misses: peer.misses,
  }
}

/** Agents before origins, peers with a recent miss last, otherwise the fastest first. */
export function bySuitability(a: Supplier, b: Supplier): number {
  const origin = (peer: Supplier) => (peer.connection.hello.role === 'origin' ? 1 : 0)
  return origin(a) - origin(b) || a.misses - b.misses || (b.rate.bytesPerSecond ?? 0) - (a.rate.bytesPerSecond ?? 0)
}

/**
 * Requests one block, in as many requests as the agreed block length requires. When one of them fails, `controller`
 * withdraws the others. The promise settles when all have settled: after that nothing is written to `into`.
 * @throws what the first failed request threw
 */
export async function requestBlock(
  { connection }: Supplier,
  { onUnwanted, ...block }: Block & Pick<RequestOptions, 'onUnwanted'>,
  into: Uint8Array,
  controller: AbortController,
): Promise<void> {
  const { signal } = controller
  const step = connection.hello.blockLength
  if (block.length <= step) return connection.request(block, into, { signal, onUnwanted })
  // Each of the requests listens to it.
  setMaxListeners(Math.ceil(block.length / step), signal)
  let failure: { readonly err: unknown } | undefined
  const giveUp = (err: unknown) => {
    failure ??= { err }
    controller.abort()
  }
  const parts: Promise<void>[] = []
  for (let at = 0; at < block.length; at += step) {
    const length = Math.min(step, block.length - at)
    const part = { piece: block.piece, offset: block.offset + at, length }
    parts.push(connection.request(part, into.subarray(at, at + length), { signal, onUnwanted }).catch(giveUp))
  }
  await Promise.all(parts)
  if (failure !== undefined) throw failure.err
}
