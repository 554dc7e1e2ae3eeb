import type { HeldSet } from '../../lib/api/index.ts'
import { type AbortOptions, type Clock, codeOf, deadline } from '../../lib/base/index.ts'

/** How long one member may take to say what it has, and to take what it is given. */
const CALL_MS = 5_000

/** What a member says that answers, but does not take what it is given. */
const REFUSALS: readonly string[] = [
  ...['BODY_INVALID', 'BODY_TOO_LARGE', 'CHANGED_MEANWHILE', 'NAME_TAKEN'],
  ...['REGISTRY_USERS_OFF', 'REGISTRY_USERS_HELD', 'REGISTRY_USERS_STALE'],
  ...['REMOTES_OFF', 'REMOTES_HELD', 'REMOTES_STALE'],
  ...['NOT_FOUND', 'NAME_UNKNOWN', 'UNAUTHORIZED', 'DENIED', 'SEAL_BROKEN'],
]

/** A set that members are given whole, as it is told of them: how one stands. */
export interface GivenState {
  readonly state: string
  /** That it has; absent when it does not say. */
  readonly generation?: number | undefined
  /** That it is to have. */
  readonly wanted: number
}

/** Why a member could not be asked or given something. */
export interface Unheard {
  readonly state: 'refused' | 'away'
  readonly code: string
}

/** Asks a member within the limit: one that does not answer is away, one that refuses says why. */
export async function heard<T>(
  clock: Clock,
  { signal }: AbortOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | Unheard> {
  const limit = deadline(clock, CALL_MS, signal)
  try {
    return await work(limit.signal)
  } catch (err) {
    signal?.throwIfAborted()
    const code = codeOf(err) ?? 'UNKNOWN'
    return { state: REFUSALS.includes(code) ? 'refused' : 'away', code }
  } finally {
    limit.release()
  }
}

/**
 * Whether a member has a set of this manager, whose database knows of none: that is older than the set, and the member goes on
 * obeying it until it is given the next.
 */
export const holdsFrom = ({ by, manager, generation }: HeldSet, own: string): boolean =>
  by === 'manager' && manager === own && generation > 0

/** The latest generation of this manager that a member has and the database has not. */
export function laterGeneration(rows: readonly GivenState[]): number | undefined {
  const later = rows.flatMap(({ state, generation = 0, wanted }) =>
    state === 'behind' && generation > wanted ? [generation] : [],
  )
  return later.length === 0 ? undefined : Math.max(...later)
}
