import type { Readable } from 'node:stream'
import type { AbortOptions } from '../../lib/base/index.ts'
import type { Member } from '../../lib/cluster/index.ts'
import type { BlobRef } from '../../lib/swarm/index.ts'

/** The other origins, as one of them sees them. Every request carries the hop mark, so none is forwarded twice. */
export interface Siblings {
  /** @throws BLOB_UNKNOWN, NOT_OWNER, or a retryable code when it does not answer */
  read(
    member: Member,
    blob: BlobRef,
    options?: AbortOptions,
  ): Promise<{ readonly size: number; readonly body: Readable }>
  /** Hands over a copy; returns once it is durable there. */
  put(
    member: Member,
    blob: BlobRef,
    copy: { readonly size: number; readonly body: Readable },
    options?: AbortOptions,
  ): Promise<void>
}
