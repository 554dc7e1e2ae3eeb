import type { ErrorCode } from '../base/index.ts'
import type { MetaInfoHeader, PeerInfo } from '../core/index.ts'

/** A tracker's answer to a node that introduced itself with its request for the metainfo. */
export interface NamedPeers {
  /** Best peer first; never the node itself. */
  readonly peers: readonly PeerInfo[]
  /** Time until the node should announce itself. */
  readonly intervalMs: number
}

/**
 * One record of a metainfo stream. The order is: one `header`; a `piece` record for each piece, as the origin learns
 * them; one last record, `verified` (the origin has checked the whole digest over exactly these pieces) or `failed`. A
 * `heartbeat` may come anywhere after the header. `peers` and
 * `hint` say nothing about the blob and may come at any place before the last record: `peers` at most once, and only to
 * who introduced itself with its request; a `hint` whenever somebody begins to bring the blob. A stream that ends without
 * a last record is incomplete.
 */
export type MetainfoRecord =
  | { readonly kind: 'header'; readonly header: MetaInfoHeader }
  | { readonly kind: 'piece'; readonly index: number; readonly hash: Uint8Array }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'verified' }
  | { readonly kind: 'failed'; readonly code: ErrorCode }
  | ({ readonly kind: 'peers' } & NamedPeers)
  | { readonly kind: 'hint'; readonly peers: readonly PeerInfo[] }
