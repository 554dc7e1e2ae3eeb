import type { ErrorCode } from '../base/index.ts'
import type { MetaInfoHeader } from '../core/index.ts'

/**
 * One record of a metainfo stream, in this order: one `header`; `piece` records in the order in which the origin comes
 * to know them; one last record, `verified` (the origin has checked the whole digest over exactly these pieces) or
 * `failed`. `heartbeat` may stand anywhere after the header. An end without a last record means incomplete.
 */
export type MetainfoRecord =
  | { readonly kind: 'header'; readonly header: MetaInfoHeader }
  | { readonly kind: 'piece'; readonly index: number; readonly hash: Uint8Array }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'verified' }
  | { readonly kind: 'failed'; readonly code: ErrorCode }
