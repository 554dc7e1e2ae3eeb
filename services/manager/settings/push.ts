import { isDeepStrictEqual } from 'node:util'
import type { AnswerOf, SteeredTracker, SteeringDocument, trackerAdmin } from '../../../lib/api/index.ts'
import { type AbortOptions, codeOf } from '../../../lib/base/index.ts'
import type { MayBeDone } from '../acts.ts'
import type { SteeredClusters, SteeredTrackerClient } from './steered-clusters.ts'

type Held = AnswerOf<typeof trackerAdmin.steering>

export interface PushInit extends AbortOptions {
  /** A tracker that has not answered when this fires, before `signal` does, is away. */
  readonly limit?: AbortSignal
  /** What the trackers of the cluster are to have; undefined: nothing was ever set for it. */
  readonly document: SteeringDocument | undefined
  readonly manager: string
}

/**
 * Whether a tracker has what it is to have. An older copy of the database gives numbers again: of one generation there may
 * be two documents.
 */
function stateOf({ document: held }: Held, { document, manager }: PushInit): SteeredTracker['state'] {
  if (held !== undefined && held.manager !== manager) return 'foreign'
  const isCurrent =
    document === undefined ? held === undefined || held.layers.length === 0 : isDeepStrictEqual(held, document)
  return isCurrent ? 'current' : 'behind'
}

/** So far above what is wanted no older copy of the database is: whoever holds such a generation has made it up. */
const MAX_LEAP = 1_000_000_000

function rowOf(cluster: string, { id }: SteeredTrackerClient, held: Held, init: PushInit): SteeredTracker {
  const wanted = init.document?.generation ?? 0
  const state = stateOf(held, init)
  const isMadeUp = state === 'behind' && held.generation > wanted + MAX_LEAP
  return {
    ...{ cluster, tracker: id, state: isMadeUp ? 'refused' : state, generation: held.generation, wanted },
    ...(held.document !== undefined && { manager: held.document.manager }),
    // What it would answer to any document that could follow.
    ...(isMadeUp && { code: 'STEERING_STALE' }),
  }
}

const callOptions = ({ signal, limit }: PushInit): AbortOptions => ({ signal: limit ?? signal })

/** Does something with a tracker; one that does not answer is away, one that refuses says why. */
async function tried(
  cluster: string,
  tracker: SteeredTrackerClient,
  init: PushInit,
  work: () => Promise<SteeredTracker>,
): Promise<SteeredTracker> {
  try {
    return await work()
  } catch (err) {
    init.signal?.throwIfAborted()
    const code = codeOf(err) ?? 'UNKNOWN'
    const state = REFUSALS.includes(code) ? 'refused' : 'away'
    return { cluster, tracker: tracker.id, state, wanted: init.document?.generation ?? 0, code }
  }
}

/** What a tracker says that answers, but does not take the document. */
const REFUSALS: readonly string[] = [
  ...['BODY_INVALID', 'BODY_TOO_LARGE', 'STEERING_HELD', 'STEERING_STALE', 'CHANGED_MEANWHILE'],
  ...['NOT_FOUND', 'UNAUTHORIZED', 'DENIED'],
]

/** What the trackers of a cluster have. */
export const lookAtTrackers = (
  clusters: SteeredClusters,
  cluster: string,
  init: PushInit,
): Promise<readonly SteeredTracker[]> =>
  Promise.all(
    clusters.trackers(cluster).map((tracker) =>
      tried(cluster, tracker, init, async () => {
        const held = await tracker.admin.steering({}, callOptions(init))
        return rowOf(cluster, tracker, held, init)
      }),
    ),
  )

/**
 * Gives each tracker of a cluster that has something earlier the document. One that follows another manager is left
 * alone, and one that has something else of this or a later generation is `behind`.
 */
export const push = (clusters: SteeredClusters, cluster: string, init: PushInit): Promise<readonly SteeredTracker[]> =>
  Promise.all(
    clusters.trackers(cluster).map((tracker) =>
      tried(cluster, tracker, init, async () => {
        const { document } = init
        const held = await tracker.admin.steering({}, callOptions(init))
        const row = rowOf(cluster, tracker, held, init)
        if (document === undefined || row.state !== 'behind' || held.generation >= document.generation) return row
        return rowOf(cluster, tracker, await tracker.admin.steer({ body: document }, callOptions(init)), init)
      }),
    ),
  )

export interface TakeOverInit extends PushInit {
  /** Called for each tracker that has let go: if the next one refuses, something is done all the same. */
  readonly mayBeDone: MayBeDone
}

/** Lets the trackers of a cluster that follow another manager let go of what they have. */
export async function takeOver(clusters: SteeredClusters, cluster: string, init: TakeOverInit): Promise<void> {
  const rows = await lookAtTrackers(clusters, cluster, init)
  const foreign = new Set(rows.flatMap(({ state, tracker }) => (state === 'foreign' ? [tracker] : [])))
  for (const { admin } of clusters.trackers(cluster).filter((tracker) => foreign.has(tracker.id))) {
    // Trackers tell each other: whoever is next may have let go already.
    const held = await admin.steering({}, callOptions(init))
    if (stateOf(held, init) !== 'foreign') continue
    await admin.unsteer({}, callOptions(init))
    init.mayBeDone()
  }
}
