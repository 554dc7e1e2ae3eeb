import type { Readable } from 'node:stream'
import type { AbortOptions } from '../../../lib/base/index.ts'
import type { Member } from '../../../lib/cluster/index.ts'
import type { BlobRef, ByteRange } from '../../../lib/core/index.ts'

/** Whether an origin reads a blob from the backend: not, about to (it asks the others first), or under way. */
export type Claim = 'none' | 'asking' | 'reading'

/** What one origin has of a blob at this moment. */
export interface Holding {
  /** Bytes of the whole blob; undefined when nothing of it is here. */
  readonly size: number | undefined
  /** Ascending, without overlap. */
  readonly ranges: readonly ByteRange[]
  /** The whole is here and its digest is right. */
  readonly verified: boolean
  readonly claim: Claim
}

/** What another origin says that it has. */
export interface SiblingHolding extends Holding {
  /** The whole is there, and stays: it is one of those who keep the blob. */
  readonly keeps: boolean
}

export interface AskHolding extends AbortOptions {
  /** An origin that is about to read the backend. */
  readonly asker?: string
  /** A member that is about to leave; who keeps what is told as if it were gone. */
  readonly leaving?: string | undefined
}

export interface SiblingBlob {
  /** Bytes of the whole blob. */
  readonly size: number
  readonly body: Readable
}

/** The other origins, as one of them sees them. Every request carries the hop mark, so none is forwarded twice. */
export interface Siblings {
  /**
   * The blob, or a range of it, as it comes in there, unverified. A body that ends early fails.
   * @throws BLOB_UNKNOWN, NOT_OWNER, DIGEST_REFUSED, or a retryable code when it does not answer
   */
  read(
    member: Member,
    blob: BlobRef,
    options?: AbortOptions & { readonly range?: ByteRange | undefined },
  ): Promise<SiblingBlob>
  /**
   * What it has; it never waits for more, and fetches nothing.
   * @throws DIGEST_REFUSED, or a retryable code when it does not answer
   */
  holding(member: Member, blob: BlobRef, options?: AskHolding): Promise<SiblingHolding>
  /** A range of what it has. @throws RANGE_UNSATISFIABLE when it has not got all of it any more */
  readHeld(member: Member, blob: BlobRef, options: AbortOptions & { readonly range: ByteRange }): Promise<SiblingBlob>
  /**
   * Hands over a copy; returns once it is durable there. With a rank its task to write it to the backend is durable
   * there, too (see `WriteBack.keep`). @throws WRITE_BACK_FULL, STORE_FULL, or a retryable code when it does not answer
   */
  put(
    member: Member,
    blob: BlobRef,
    copy: { readonly size: number; readonly body: Readable },
    options?: AbortOptions & { readonly rank?: number | undefined },
  ): Promise<void>
}
