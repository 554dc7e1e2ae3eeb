import type { ErrorCode } from '../base/index.ts'
import type { MetaInfoHeader } from '../core/index.ts'

/**
 * One record of a metainfo stream. The order is: one `header`; a `piece` record for each piece, as the origin learns
 * them; one last record, `verified` (the origin has checked the whole digest over exactly these pieces) or `failed`. A
 * `heartbeat` may come anywhere after the header. A stream that ends without a last record is incomplete.
 */
export type MetainfoRecord =
  | { readonly kind: 'header'; readonly header: MetaInfoHeader }
  | { readonly kind: 'piece'; readonly index: number; readonly hash: Uint8Array }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'verified' }
  | { readonly kind: 'failed'; readonly code: ErrorCode }
