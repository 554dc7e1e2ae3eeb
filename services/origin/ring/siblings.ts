import type { Readable } from 'node:stream'
import type { AskedRange } from '../../../lib/api/index.ts'
import type { AbortOptions } from '../../../lib/base/index.ts'
import type { Member } from '../../../lib/cluster/index.ts'
import type { BlobRef, ByteRange, ReadPriority } from '../../../lib/core/index.ts'

/** Whether an origin reads a blob from the backend: no; about to, while it asks the others; or yes. */
export type Claim = 'none' | 'asking' | 'reading'

/** What one origin has of a blob at this moment. */
export interface Holding {
  /** Bytes of the whole blob; undefined when nothing of it is here. */
  readonly size: number | undefined
  /** The byte ranges that are here; ascending, without overlap. */
  readonly ranges: readonly ByteRange[]
  /** The whole blob is here and its digest is right. */
  readonly verified: boolean
  readonly claim: Claim
}

/** What another origin says it has of a blob. */
export interface SiblingHolding extends Holding {
  /** That origin has the whole blob and keeps it, as one of the members that are to keep it. */
  readonly keeps: boolean
}

export interface AskHolding extends AbortOptions {
  /** Id of the origin that asks because it is about to read the backend. */
  readonly asker?: string
  /** Longest wait for the answer, milliseconds; default: that of `originTimeouts.holdingMs`. */
  readonly withinMs?: number | undefined
  /** Id of a member that is about to leave; the answer treats it as gone. */
  readonly leaving?: string | undefined
}

export interface ReadSibling extends AbortOptions {
  /** One that stands alone comes whole before the member knows whether the blob is right. */
  readonly range?: AskedRange | undefined
  /** Default: somebody waits for it. */
  readonly priority?: ReadPriority | undefined
}

export interface SiblingBlob {
  /** Bytes of the whole blob. */
  readonly size: number
  readonly body: Readable
}

/** The other origins, as one origin sees them. Every request carries the hop mark, so that none is forwarded twice. */
export interface Siblings {
  /**
   * The blob, or a range of it, unverified, while it arrives at that member, which brings first what is urgent. A body
   * that ends early fails.
   * @throws BLOB_UNKNOWN, NOT_OWNER, DIGEST_REFUSED, or a retryable code when the member does not answer
   */
  read(member: Member, blob: BlobRef, options?: ReadSibling): Promise<SiblingBlob>
  /** The size of the blob, wherever it is, as that member finds out; undefined when it is nowhere. */
  size(member: Member, blob: BlobRef, options?: AbortOptions): Promise<number | undefined>
  /**
   * What the member has of the blob at this moment; the member waits for nothing and fetches nothing.
   * @throws DIGEST_REFUSED, or a retryable code when the member does not answer
   */
  holding(member: Member, blob: BlobRef, options?: AskHolding): Promise<SiblingHolding>
  /** A range of what the member has. @throws RANGE_UNSATISFIABLE when part of the range is gone */
  readHeld(member: Member, blob: BlobRef, options: AbortOptions & { readonly range: ByteRange }): Promise<SiblingBlob>
  /**
   * Hands over a copy; returns once the copy is durable at the member. With a rank, the task to write it to the backend
   * is durable there too (see `WriteBack.keep`). @throws WRITE_BACK_FULL, STORE_FULL, or a retryable code when the
   * member does not answer
   */
  put(
    member: Member,
    blob: BlobRef,
    copy: { readonly size: number; readonly body: Readable },
    options?: AbortOptions & { readonly rank?: number | undefined },
  ): Promise<void>
}
