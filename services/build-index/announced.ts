import { type AbortOptions, type Clock, deadline } from '../../lib/base/index.ts'
import type { Repository, Tag } from '../../lib/core/index.ts'

/** Longest time for a change that was announced; see `TagChange`. */
const CHANGE_MS = 60_000

/** A change of a tag that is about to be made. It is made within a minute, or not at all. */
export interface TagChange {
  readonly repository: Repository
  readonly tag: Tag
}

/**
 * Called before each change; the change is made when it has returned: then it is durable that the change must be
 * replicated. The result is called when the change is made; without that call, it is taken for made after a while.
 */
export type AnnounceChange = (
  change: TagChange,
  options: AbortOptions,
) => Promise<(options: AbortOptions) => Promise<void>>

export interface AnnouncedComponents {
  readonly clock: Clock
  readonly announce?: AnnounceChange | undefined
}

/** Makes a change that is announced before and reported after it. @throws what `work` and the announcement throw */
export async function announced(
  { announce, clock }: AnnouncedComponents,
  change: TagChange,
  work: (options: AbortOptions) => Promise<void>,
  { signal }: AbortOptions,
): Promise<void> {
  if (announce === undefined) return work({ signal })
  const made = await announce(change, { signal })
  const limit = deadline(clock, CHANGE_MS, signal)
  try {
    await work({ signal: limit.signal })
    // The change is made, whether that can be told or not.
    await made({ signal: limit.signal }).catch(() => undefined)
  } finally {
    limit.release()
  }
}
