import type { SteeredTracker } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, deadline, type RefusedKeys, refusedKeys } from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { ManagerDatabase } from '../database/index.ts'
import { documentOf } from './document.ts'
import { type PushInit, push } from './push.ts'
import { numberAbove, raiseAbove } from './raise.ts'
import type { SettingsMeters } from './settings-meters.ts'
import type { SettingsStore } from './settings-store.ts'
import type { SteeredClusters } from './steered-clusters.ts'

export interface PushAllComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly clusters: SteeredClusters
  readonly store: Pick<SettingsStore, 'wanted'>
  readonly database: Pick<ManagerDatabase, 'read' | 'keep'>
  readonly meters: SettingsMeters
  /** The name by which trackers know this manager. */
  readonly manager: () => string
}

export interface PushAllInit extends AbortOptions {
  /** Trackers whose generations were followed lately. */
  readonly followed: RefusedKeys
}

/** A tracker that does not answer for so long is away. */
const CALL_MS = 10_000
/** A tracker whose generation was followed is not followed again for so long, and twice as long each time. */
const FIRST_REST_MS = 60_000
const LONGEST_REST_MS = 3_600_000
/** Trackers of which that is remembered. */
const MAX_FOLLOWED = 10_000

/**
 * To follow a tracker lets others begin anew, and pauses them: one that is always ahead, whatever it is given, must not bring
 * that about again and again.
 */
export const followedTrackers = (clock: Pick<Clock, 'monotonicMs'>): RefusedKeys =>
  refusedKeys(clock, { firstMs: FIRST_REST_MS, longestMs: LONGEST_REST_MS, maxEntries: MAX_FOLLOWED })

const present = ({ clusters }: PushAllComponents): readonly string[] =>
  clusters.clusters().flatMap(({ id, away }) => (away ? [] : [id]))

/** Trackers that follow each other get it from each other, too: any that answers suffices. */
export async function pushAll(components: PushAllComponents, init: PushAllInit): Promise<void> {
  const { store, meters } = components
  const [slots, manager] = [await store.wanted(), components.manager()]
  const documents = new Map(present(components).map((cluster) => [cluster, documentOf(cluster, slots, manager)]))
  const pushed = [...documents].map(([cluster, document]) =>
    pushTo(components, cluster, { ...init, document, manager }),
  )
  const rows = (await Promise.all(pushed)).flat().map((row) => (mayFollow(row, init) ? row : refused(row)))
  meters.trackers(rows.map(({ state }) => state))
  const unknown = rows.filter(isUnknown)
  const isWanted = ({ cluster }: SteeredTracker) => documents.get(cluster) !== undefined
  // What is wanted is told in the next round.
  await follow(components, unknown.filter(isWanted), init)
  await letGo(
    components,
    unknown.filter((row) => !isWanted(row)),
    init,
  )
}

/** It has settings of this manager that the database does not know, and that nothing from it follows. */
const isUnknown = ({ state, generation = 0, wanted }: SteeredTracker): boolean =>
  state === 'behind' && generation >= wanted

const keyOf = ({ cluster, tracker }: SteeredTracker): string => JSON.stringify([cluster, tracker])

const mayFollow = (row: SteeredTracker, { followed }: PushAllInit): boolean =>
  !isUnknown(row) || followed.leftMs(keyOf(row)) === 0

const refused = (row: SteeredTracker): SteeredTracker => ({ ...row, state: 'refused', code: 'STEERING_STALE' })

const latest = (rows: readonly SteeredTracker[]): number => Math.max(...rows.map(({ generation = 0 }) => generation))

async function follow(
  components: PushAllComponents,
  rows: readonly SteeredTracker[],
  init: PushAllInit,
): Promise<void> {
  if (rows.length === 0) return
  await raiseAbove(components, latest(rows))
  noteFollowed(components, rows, init)
}

/** Clusters for which nothing is wanted let go of what they have. What others have stays as it is. */
async function letGo(components: PushAllComponents, rows: readonly SteeredTracker[], init: PushAllInit): Promise<void> {
  const manager = components.manager()
  const given: Promise<unknown>[] = []
  for (const cluster of new Set(rows.map((row) => row.cluster))) {
    const own = rows.filter((row) => row.cluster === cluster)
    const { generation, isNew } = await numberAbove(components, latest(own))
    if (isNew) noteFollowed(components, own, init)
    given.push(pushTo(components, cluster, { ...init, document: { manager, generation, layers: [] }, manager }))
  }
  await Promise.all(given)
}

function noteFollowed({ logger }: PushAllComponents, rows: readonly SteeredTracker[], { followed }: PushAllInit): void {
  for (const row of rows) {
    const { cluster, tracker, generation } = row
    followed.add(keyOf(row))
    logger.warn('a tracker has settings that the database does not know', { cluster, tracker, generation })
  }
}

async function pushTo(
  { clock, clusters }: PushAllComponents,
  cluster: string,
  { signal, document, manager }: PushInit,
): Promise<readonly SteeredTracker[]> {
  const limit = deadline(clock, CALL_MS, signal)
  try {
    return await push(clusters, cluster, { document, manager, signal, limit: limit.signal })
  } finally {
    limit.release()
  }
}
